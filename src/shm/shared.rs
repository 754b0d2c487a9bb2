//! What `Arc` is to threads, over memory that processes share.

use std::fmt;
use std::mem::needs_drop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, NameProblem};
use crate::handoff;
use crate::shm::mapping::{CONTENTS, Mapping, send_mapping, stamp_of_value, take_mapping};
use crate::shm::names::Name;
use crate::shm::process_safe::ProcessSafe;
use crate::sys::ATOMICS_NEED_DROP;

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
/// One descriptor and one mapping, of 64 bytes more than the value, in whole pages. A process has
/// them once, however often and in whichever way the value comes to it: what it gets is the same
/// value, whose locks know this process's threads.
///
/// # Under a name
///
/// Programs that are not parent and child meet by a name that both know: one
/// [creates](Shared::create) the memory under it, the others [open](Shared::open) it, and somebody
/// [unlinks](Shared::unlink) it in the end. A name is a file in `/dev/shm` that only its user can
/// open.
///
/// * Both programs need the same type, from the same version of its crate, and the same version
///   of this crate; another is refused ([`NameProblem::Type`]). A type is known by the name that the
///   compiler gives it and by its [layout](ProcessSafe::LAYOUT): the names, places and types of the
///   parts, of tuples, arrays and structs that derive [`ProcessSafe`]; the size and the alignment alone
///   of one with an `unsafe impl` that says no more. What a part means is not known. (Where the programs
///   are compiled apart, `#[repr(C)]` has the parts lie alike.)
/// * A name outlives whoever created it: dropping a `Shared` never unlinks. But it is known whether
///   anyone still holds the memory; if not, opening it says so, and creating it anew replaces it.
/// * A child holds what it was given, and a forked one all that its parent held, until it ends. One
///   that is being spawned holds for a moment what its parent holds, whatever it will be given.
/// * The memory cannot be sealed against changes of its size, as that without a name is: a process
///   of the same user could cut the file short, and whoever then uses it is killed by SIGBUS. (Nor
///   can that without a name be, where the system has no seals or a sandbox denies them: the log has
///   a warning then.)
///
/// # If a process dies
///
/// The memory lives as long as anyone who maps it, and leaves no name behind, except one that was
/// asked for. What a [`Lock`] guards is reported as [`Poisoned`] when its owner dies inside.
///
/// # Different from Python
///
/// `multiprocessing.shared_memory` always has a name, and a tracker of each process that unlinks
/// it: too early, while another program still uses it, and not at all if the tracker is killed.
/// Here memory has a name only on request, nothing but [`Shared::unlink`] takes it away, and one
/// that was left behind is told from one in use. Only whole memory gets a name: a half-made value
/// is never seen. `multiprocessing.Value` and `Array` hold numbers only; this holds any
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
    /// access can fail. [`Error::FileSizeLimit`] when it is more than the process may write to a
    /// file (`ulimit -f`). [`Error::Os`] when the process has no descriptor left, or the system
    /// refuses something else that cannot be done without.
    pub fn new(value: T) -> Result<Self, Error> {
        Ok(Self::place(value, Mapping::new(size_of::<T>(), stamp_of_value::<T>())?))
    }

    /// Moves `value` into memory that other programs can [open](Shared::open) by `name`.
    ///
    /// A name that was left by processes that have all ended is taken over, with a warning to the
    /// log; of several who create one at once, one succeeds.
    ///
    /// ```
    /// use multiproc::{Error, Lock, NameProblem, Shared};
    ///
    /// type Total = Shared<Lock<u64>>;
    /// let name = format!("total-{}", std::process::id());
    ///
    /// let total = Total::create(&name, Lock::new(5))?;
    /// // Here, or in any other program of this user:
    /// *Total::open(&name)?.lock()? += 1;
    /// assert_eq!(*total.lock()?, 6);
    ///
    /// let again = Total::create(&name, Lock::new(0)).unwrap_err();
    /// assert!(matches!(again, Error::Name { problem: NameProblem::InUse, .. }));
    ///
    /// Total::unlink(&name)?;
    /// # Ok::<(), Error>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Name`] with [`NameProblem::InUse`] while anyone holds memory of this name, with
    /// [`NameProblem::Invalid`] when it cannot be a name, and with others when it is taken by what
    /// this crate has not made or this user may not use. [`Error::OutOfMemory`] when the memory is
    /// not there, or not in `/dev/shm`; [`Error::FileSizeLimit`] and [`Error::Os`] as for
    /// [`Shared::new`].
    ///
    /// [`NameProblem::InUse`]: crate::NameProblem::InUse
    /// [`NameProblem::Invalid`]: crate::NameProblem::Invalid
    ///
    /// # If a process dies
    ///
    /// One that is killed in here leaves either nothing or the whole value under its name.
    pub fn create(name: &str, value: T) -> Result<Self, Error> {
        let name = Name::new(name)?;
        let shared = Self::place(value, Mapping::nameable(size_of::<T>(), stamp_of_value::<T>())?);
        name.give(&shared.mapping)?;
        Ok(shared)
    }

    /// The value that has this name: created by this or another program of the same user.
    ///
    /// # Errors
    ///
    /// [`Error::Name`], whose [`NameProblem`] says why not:
    /// [`NotFound`](NameProblem::NotFound), [`Abandoned`](NameProblem::Abandoned) when all who held
    /// it have ended, [`Type`](NameProblem::Type) when it is no `T` of this program's, and so on.
    /// [`Error::Os`] when the process has no descriptor left, or the system refuses something else.
    ///
    /// # If a process dies
    ///
    /// A value whose holders are all dead is not opened: the last of them may have been killed at
    /// any point.
    ///
    /// [`NameProblem`]: crate::NameProblem
    pub fn open(name: &str) -> Result<Self, Error> {
        let name = Name::new(name)?;
        Self::attached(name.open(stamp_of_value::<T>())?)
            .ok_or_else(|| name.error(NameProblem::Type))
    }

    /// Takes the name from the value that has it, of whatever type. Who holds the value keeps it,
    /// and the name is free for another.
    ///
    /// # Errors
    ///
    /// [`Error::Name`] with [`NameProblem::NotFound`] when there is none of this name, and with
    /// others when this user may not unlink it, or when the process has no descriptor left: unlinking
    /// takes one.
    pub fn unlink(name: &str) -> Result<(), Error> {
        Name::new(name)?.unlink()
    }

    const FITS: () = {
        assert!(
            ATOMICS_NEED_DROP || !needs_drop::<T>(),
            "nobody would drop a value that processes share"
        );
        assert!(align_of::<T>() <= CONTENTS, "shared memory is aligned to 64 bytes");
    };

    /// Puts `value` into memory that was made for it.
    fn place(value: T, mapping: Mapping) -> Self {
        const { Self::FITS };
        // SAFETY: the contents are `T`'s size and aligned for it, and nobody else has them yet.
        unsafe { mapping.contents().cast::<T>().write(value) };
        // SAFETY: just written.
        unsafe { Self::settled(mapping) }
    }

    /// The value in memory that was made for it, which is its own from here on.
    ///
    /// # Safety
    ///
    /// A `T` is there, and nobody else knows of the memory.
    unsafe fn settled(mapping: Mapping) -> Self {
        let value = mapping.contents().cast::<T>();
        // SAFETY: a value that nobody else has. It never moves, and `Mapping` stays as long as a thread
        // here holds a lock in it.
        unsafe { (*value.as_ptr()).settle() };
        Shared { value, mapping: Arc::new(mapping) }
    }

    /// The value in memory that another process made, if it is as long as one.
    fn attached(mapping: Mapping) -> Option<Self> {
        const { Self::FITS };
        // Settled already. But what cannot be, as a lock in a lock, is refused at compile time here too:
        // a peer may have written it.
        let _: unsafe fn(&mut T) = T::settle;
        let value = mapping.contents().cast();
        (mapping.len() >= size_of::<T>()).then(|| Shared { value, mapping: Arc::new(mapping) })
    }
}

impl<T: ProcessSafe> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Shared { value: self.value, mapping: self.mapping.clone() }
    }
}

impl<T: ProcessSafe> Drop for Shared<T> {
    fn drop(&mut self) {
        if ATOMICS_NEED_DROP && Arc::strong_count(&self.mapping) == 1 {
            // SAFETY: where they do, in a model, processes are threads, and this is the last that
            // reaches the value.
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

/// The largest value that is made up for want of one.
const LARGEST_PROBED: usize = 1 << 20;

/// Only as an argument of [`Process::spawn`](crate::Process::spawn): it is the memory that goes to
/// the child, not the bytes. Any other serializer gets an error, but within one of those.
impl<T: ProcessSafe> Serialize for Shared<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        send_mapping(&self.mapping, serializer)
    }
}

impl<'de, T: ProcessSafe + Send + Sync> Deserialize<'de> for Shared<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = handoff::number(deserializer)?;
        if handoff::is_probing() && size_of::<T>() <= LARGEST_PROBED {
            let made = Mapping::new(size_of::<T>(), stamp_of_value::<T>());
            // SAFETY: all zero, which is a value of the type, as every pattern is. Nobody else has it:
            // but whoever is given it may keep it, and share it with others.
            return made
                .map(|mapping| unsafe { Self::settled(mapping) })
                .map_err(de::Error::custom);
        }
        let mapping = take_mapping(stamp_of_value::<T>(), number)?;
        let len = mapping.len();
        Self::attached(mapping)
            .ok_or_else(|| de::Error::invalid_length(len, &"memory that holds the value"))
    }
}
