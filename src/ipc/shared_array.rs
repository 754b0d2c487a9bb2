//! An array of numbers between threads and between processes.
//!
//! ```text
//! header    how many elements, and the lock: one cache line
//! elements  an atomic each
//! ```

use std::fmt;
use std::ptr::NonNull;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, IndexOutOfRange, Poisoned, TryLockError};
use crate::handoff;
use crate::ipc::array_iter::ArrayIter;
use crate::shm::{Mapping, ProcessSafe, send_mapping, stamp_of, take_mapping};
use crate::sync::element::{self, Element};
use crate::sync::{Lock, LockGuard};
use crate::sys::{ATOMICS_NEED_DROP, AtomicU64, Ordering::Relaxed};

/// An array of numbers, of a length for good, that threads and processes read and write.
///
/// Every element is an atomic: no access tears, and none needs a lock. For a change of several
/// elements that belong together there is [`SharedArray::lock`] beside them. Every clone, in this
/// process or in a child that got one, is the same array: a child that is forked takes a clone by
/// move, one that is spawned takes it as an argument.
///
/// ```
/// use multiproc::SharedArray;
///
/// let array = SharedArray::new(b"Hello")?;
/// array.set(0, b'h')?;
/// assert_eq!(array.get(1)?, b'e');
/// assert_eq!(array.value(), b"hello");
///
/// let counts = SharedArray::<u64>::zeroed(3)?;
/// counts.fetch_add(2, 5)?;
/// assert_eq!(counts.to_vec(), [0, 0, 5]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Ordering
///
/// A write is a Release and a read an Acquire: whoever reads what another wrote sees also all that
/// the other had written before, here or elsewhere. There is no order among all elements beyond
/// that: copying several is not one step, and may see some before a change and some after it.
///
/// # Costs
///
/// One descriptor and one mapping, of the elements and 128 bytes, in whole pages. Reading and
/// writing cost what they do in memory of one's own, and copies of many elements what `memcpy` does. Nothing
/// allocates but [`SharedArray::to_vec`] and [`SharedArray::value`].
///
/// # If a process dies
///
/// Each element has what was written last. What its lock guards is reported as [`Poisoned`].
///
/// # Different from Python
///
/// `Array` takes its lock for each access, and hands out what is not locked as `RawArray`; here an
/// access is an atomic, and the lock is for what takes several. Indices
/// are not counted from the end; one that is not there is an error.
pub struct SharedArray<T: Element> {
    mapping: Arc<Mapping>,
    /// Checked against the mapping: what stands there is not believed again.
    len: usize,
    /// In the mapping: at hand, since a way through it costs as much again as an access.
    first: NonNull<T::Atom>,
}

// SAFETY: the pointer is into the mapping, which may go with any thread, and what it points at is
// atomics.
unsafe impl<T: Element> Send for SharedArray<T> {}
// SAFETY: as above.
unsafe impl<T: Element> Sync for SharedArray<T> {}

#[repr(C, align(64))]
struct Header {
    len: AtomicU64,
    lock: Lock<()>,
}

impl<T: Element> SharedArray<T> {
    /// The most elements that an array can have.
    pub const MAX: usize = (isize::MAX as usize - 4096) / size_of::<T>();

    /// An array of these elements.
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] when there is no element; [`Error::OutOfMemory`] when so much shared
    /// memory is not there; [`Error::FileSizeLimit`] when it is more than the process may write to a
    /// file (`ulimit -f`); [`Error::Os`] when the process has no descriptor left, or the system
    /// refuses something else.
    pub fn new(elements: &[T]) -> Result<Self, Error> {
        Self::make(elements.len(), Some(elements))
    }

    /// An array of what an iterator gives.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::new`].
    #[allow(clippy::should_implement_trait, reason = "the trait's cannot fail")]
    pub fn from_iter(elements: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        Self::new(&elements.into_iter().collect::<Vec<T>>())
    }

    /// An array of `len` zeros.
    ///
    /// # Errors
    ///
    /// As [`SharedArray::new`].
    pub fn zeroed(len: usize) -> Result<Self, Error> {
        Self::make(len, None)
    }

    fn make(len: usize, values: Option<&[T]>) -> Result<Self, Error> {
        let mapping = Mapping::new(Self::size(len)?, stamp_of::<Self>())?;
        let mut lock = Lock::new(());
        // SAFETY: it is on its way to the mapping, where it stays; that is not unmapped while a
        // thread here holds the lock.
        unsafe { lock.settle() };
        let header = Header { len: AtomicU64::new(len as u64), lock };
        let array = Self::over(mapping, len);
        // SAFETY: the mapping was made this large, and nobody else knows of it yet. It
        // begins as zeros, which is each element's zero.
        unsafe {
            array.mapping.contents().cast::<Header>().write(header);
            if ATOMICS_NEED_DROP {
                for i in 0..len {
                    let value = values.map_or(T::ZERO, |values| values[i]);
                    array.first.add(i).write(value.atom());
                }
            }
        }
        if !ATOMICS_NEED_DROP && let Some(values) = values {
            element::set_all(array.atoms(), values);
        }
        Ok(array)
    }

    /// The whole, in bytes.
    fn size(len: usize) -> Result<usize, Error> {
        if len == 0 || len > Self::MAX {
            return Err(Error::Capacity { what: "an array length", asked: len, max: Self::MAX });
        }
        Ok(size_of::<Header>() + len * size_of::<T::Atom>())
    }

    fn header(&self) -> &Header {
        // SAFETY: written by `make`, mapped as long as `self`; atomics, any bits of which are
        // numbers.
        unsafe { self.mapping.contents().cast().as_ref() }
    }

    /// The array of `len` elements in a mapping that has a header at least.
    fn over(mapping: Mapping, len: usize) -> Self {
        // SAFETY: behind the header, or at the mapping's end.
        let first = unsafe { mapping.contents().add(size_of::<Header>()).cast() };
        SharedArray { mapping: Arc::new(mapping), len, first }
    }

    #[inline]
    pub(super) fn atoms(&self) -> &[T::Atom] {
        // SAFETY: so many were written by `make`, or checked to have room by `deserialize`, and
        // are mapped as long as `self`; atomics, any bits of which are elements.
        unsafe { NonNull::slice_from_raw_parts(self.first, self.len).as_ref() }
    }

    #[inline]
    fn atom(&self, index: usize) -> Result<&T::Atom, IndexOutOfRange> {
        self.atoms().get(index).ok_or(IndexOutOfRange { index, len: self.len })
    }

    /// `count` elements from `start` on.
    pub(super) fn range(&self, start: usize, count: usize) -> Result<&[T::Atom], IndexOutOfRange> {
        let missing = IndexOutOfRange { index: start.max(self.len), len: self.len };
        self.atoms().get(start..).and_then(|rest| rest.get(..count)).ok_or(missing)
    }

    /// How many elements there are.
    #[inline]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Never: an array has an element at least.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The element at `index`.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`].
    #[inline]
    pub fn get(&self, index: usize) -> Result<T, IndexOutOfRange> {
        self.atom(index).map(element::get)
    }

    /// Writes the element at `index`.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`].
    #[inline]
    pub fn set(&self, index: usize, value: T) -> Result<(), IndexOutOfRange> {
        self.atom(index).map(|atom| element::set(atom, value))
    }

    /// Writes the element at `index` and gives what it was, in one step.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`].
    #[inline]
    pub fn swap(&self, index: usize, value: T) -> Result<T, IndexOutOfRange> {
        self.atom(index).map(|atom| element::swap(atom, value))
    }

    /// Adds `more` to the element at `index` and gives what it was, in one step. Integers wrap.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`].
    #[inline]
    pub fn fetch_add(&self, index: usize, more: T) -> Result<T, IndexOutOfRange> {
        self.atom(index).map(|atom| element::fetch_add(atom, more))
    }

    /// Writes `new` at `index` if the element is `old`, in one step. Gives `Ok(old)`, or what was
    /// there instead as `Err`. Floats are compared by their bits: a NaN can be equal to itself, and
    /// 0.0 is not -0.0.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`], outside: `array.compare_exchange(i, old, new)?` is what std's gives.
    #[inline]
    pub fn compare_exchange(
        &self,
        index: usize,
        old: T,
        new: T,
    ) -> Result<Result<T, T>, IndexOutOfRange> {
        self.atom(index).map(|atom| element::compare_exchange(atom, old, new))
    }

    /// The elements, each read when its turn comes. `for element in &array` is the same.
    pub fn iter(&self) -> ArrayIter<'_, T> {
        ArrayIter::over(self.atoms())
    }

    /// Waits for the array's lock and takes it: for a change that takes several elements. It keeps
    /// out those who take it too, and nobody else.
    ///
    /// # Errors
    ///
    /// [`Poisoned`], as for [`Lock::lock`].
    ///
    /// # Panics
    ///
    /// When this thread holds it already.
    pub fn lock(&self) -> Result<ArrayGuard<'_>, Poisoned<ArrayGuard<'_>>> {
        self.header().lock.lock()
    }

    /// Takes the array's lock if it is free.
    ///
    /// # Errors
    ///
    /// As for [`Lock::try_lock`].
    pub fn try_lock(&self) -> Result<ArrayGuard<'_>, TryLockError<ArrayGuard<'_>>> {
        self.header().lock.try_lock()
    }

    /// As [`SharedArray::lock`], but for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`Lock::lock_for`].
    pub fn lock_for(
        &self,
        timeout: Duration,
    ) -> Result<ArrayGuard<'_>, TryLockError<ArrayGuard<'_>>> {
        self.header().lock.lock_for(timeout)
    }

    /// As [`SharedArray::lock_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As for [`Lock::lock_until`].
    pub fn lock_until(
        &self,
        deadline: Instant,
    ) -> Result<ArrayGuard<'_>, TryLockError<ArrayGuard<'_>>> {
        self.header().lock.lock_until(deadline)
    }

    /// Declares the elements whole again. Call it with the lock held, so that no death goes unseen.
    pub fn clear_poison(&self) {
        self.header().lock.clear_poison();
    }
}

/// That this thread holds a [`SharedArray`]'s lock; unlocks when dropped.
pub type ArrayGuard<'a> = LockGuard<'a, ()>;

/// Only as an argument of [`Process::spawn`](crate::Process::spawn): it is the memory that goes to
/// the child, not the elements. Any other serializer gets an error, but within one of those.
impl<T: Element> Serialize for SharedArray<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        send_mapping(&self.mapping, serializer)
    }
}

impl<'de, T: Element> Deserialize<'de> for SharedArray<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = handoff::number(deserializer)?;
        if handoff::is_probing() {
            return Self::zeroed(1).map_err(de::Error::custom);
        }
        let mapping = take_mapping(stamp_of::<Self>(), number)?;
        if mapping.len() < size_of::<Header>() {
            return Err(de::Error::invalid_length(mapping.len(), &"memory that holds an array"));
        }
        let mut array = Self::over(mapping, 0);
        // Relaxed: written before the mapping was handed over.
        let len = array.header().len.load(Relaxed) as usize;
        let size = Self::size(len).map_err(de::Error::custom)?;
        if size != array.mapping.len() {
            return Err(de::Error::invalid_length(array.mapping.len(), &"memory of its length"));
        }
        array.len = len;
        Ok(array)
    }
}

impl<T: Element> Clone for SharedArray<T> {
    fn clone(&self) -> Self {
        SharedArray { mapping: self.mapping.clone(), len: self.len, first: self.first }
    }
}

impl<T: Element> Drop for SharedArray<T> {
    fn drop(&mut self) {
        if ATOMICS_NEED_DROP && Arc::strong_count(&self.mapping) == 1 {
            // SAFETY: `make` has made them, and this is the last that reaches them.
            unsafe {
                (0..self.len).for_each(|i| self.first.add(i).drop_in_place());
                self.mapping.contents().cast::<Header>().drop_in_place();
            }
        }
    }
}

impl<T: Element + fmt::Debug> fmt::Debug for SharedArray<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}
