//! What `Arc` is to threads, over memory that processes share.

use std::fmt;
use std::mem::needs_drop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::Error;
use crate::shm::handoff;
use crate::shm::mapping::{CONTENTS, Mapping, stamp_of};
use crate::shm::process_safe::ProcessSafe;
use crate::sys::MODELLED;

/// A value in memory that processes share: what [`Arc`] is to threads.
///
/// Every clone, in this process or in a child that got one, is the same value. A child that is
/// forked takes a clone by move; one that is spawned takes it as an argument.
///
/// ```
/// use multiproc::{Lock, Shared};
///
/// let total = Shared::new(Lock::new(0u64))?;
/// let clone = total.clone();
/// *clone.lock()? += 5;
/// assert_eq!(*total.lock()?, 5);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Costs
///
/// One descriptor and one mapping, of 64 bytes more than the value, in whole pages; clones in one
/// process share them.
///
/// # If a process dies
///
/// The memory lives as long as anyone who maps it, and leaves no name behind. What a [`Lock`]
/// guards is reported as [`Poisoned`] when its owner dies inside.
///
/// # Different from Python
///
/// `multiprocessing.shared_memory` has names, which outlive their processes and must be unlinked;
/// this has none. `multiprocessing.Value` and `Array` hold numbers only; this holds any
/// [`ProcessSafe`] type, and keeps every field's own way of synchronising.
///
/// [`Lock`]: crate::Lock
/// [`Poisoned`]: crate::Poisoned
pub struct Shared<T: ProcessSafe> {
    /// In the mapping; at hand, since every use of the value begins here.
    value: NonNull<T>,
    mapping: Arc<Mapping>,
}

// SAFETY: like an Arc: every holder reaches the same `T`, and the mapping may go with any thread.
unsafe impl<T: ProcessSafe + Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: ProcessSafe + Send + Sync> Sync for Shared<T> {}

impl<T: ProcessSafe + Send + Sync> Shared<T> {
    /// Moves `value` into memory of its own that can be shared with processes.
    ///
    /// # Errors
    ///
    /// [`Error::OutOfMemory`] when the memory is not there: it is reserved now, so that no later
    /// access can fail. [`Error::Os`] when the process has no descriptor left, or the system
    /// refuses something else.
    pub fn new(value: T) -> Result<Self, Error> {
        const {
            assert!(
                MODELLED || !needs_drop::<T>(),
                "nobody would drop a value that processes share"
            );
            assert!(align_of::<T>() <= CONTENTS, "shared memory is aligned to 64 bytes");
        }
        let mapping = Mapping::new(size_of::<T>(), stamp_of::<T>())?;
        let place = mapping.contents().cast::<T>();
        // SAFETY: the contents are `T`'s size and aligned for it, and nobody else has them yet.
        // They never move, and `Mapping` stays as long as a thread here holds a lock in them.
        unsafe {
            place.write(value);
            (*place.as_ptr()).settle();
        }
        Ok(Shared { value: place, mapping: Arc::new(mapping) })
    }
}

impl<T: ProcessSafe> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared { value: self.value, mapping: self.mapping.clone() }
    }
}

impl<T: ProcessSafe> Drop for Shared<T> {
    fn drop(&mut self) {
        if MODELLED && Arc::strong_count(&self.mapping) == 1 {
            // SAFETY: a model's atomics do need their drop, its processes are threads, and this
            // is the last that reaches the value.
            unsafe { self.value.drop_in_place() };
        }
    }
}

impl<T: ProcessSafe> Deref for Shared<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: a `T` was written there, is mapped as long as `self`, and is only ever borrowed
        // shared. Whatever a peer wrote is a `T` too: every bit pattern is one (ProcessSafe).
        unsafe { self.value.as_ref() }
    }
}

impl<T: ProcessSafe + fmt::Debug> fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Shared").field(&**self).finish()
    }
}

/// Only as an argument of [`Process::spawn`](crate::Process::spawn): it is the memory that goes to
/// the child, not the bytes. Any other serializer gets an error.
impl<T: ProcessSafe> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        handoff::send_mapping(&self.mapping, serializer)
    }
}

impl<'de, T: ProcessSafe + Send + Sync> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mapping = handoff::take_mapping(stamp_of::<T>(), deserializer)?;
        if mapping.len() < size_of::<T>() {
            return Err(de::Error::invalid_length(mapping.len(), &"memory that holds the value"));
        }
        Ok(Shared { value: mapping.contents().cast(), mapping: Arc::new(mapping) })
    }
}
