//! A number between threads and between processes.

use std::fmt;
use std::mem::offset_of;
use std::time::{Duration, Instant};

use crate::error::{Poisoned, TryLockError};
use crate::shm::{Layout, ProcessSafe};
use crate::sync::element::{self, Element};
use crate::sync::{Lock, LockGuard};
use crate::sys::{Number, const_fn};

/// A number that threads and processes read and write, with a lock beside it.
///
/// It is an atomic: no access tears, and none needs the lock, which is for a change that takes
/// several accesses, or several values.
///
/// ```
/// use multiproc::{Shared, Value};
///
/// let highest = Shared::new(Value::new(1.5f64))?;
/// assert_eq!(highest.fetch_add(1.0), 1.5);
/// {
///     let _guard = highest.lock()?;
///     highest.set(highest.get().max(7.0));
/// }
/// assert_eq!(highest.get(), 7.0);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Ordering
///
/// A write is a Release and a read an Acquire: whoever reads what another wrote sees also all that
/// the other had written before, here or elsewhere.
///
/// # Costs
///
/// 40 bytes and the number, in whole words. Reading and writing cost what they do in memory of one's
/// own.
///
/// # If a process dies
///
/// The number is what was written last. What the lock guards is reported as [`Poisoned`].
///
/// # Different from Python
///
/// `Value` takes its lock for each access, and `value.value += 1` loses counts all the same, since it
/// is two; here an access is an atomic, and [`Value::fetch_add`] is one step. Python's `get_lock()` is
/// [`Value::lock`].
#[repr(C)]
pub struct Value<T: Element> {
    lock: Lock<()>,
    number: Number<T>,
}

// SAFETY: a lock, which is settled, and an atomic, any bits of which are a number.
unsafe impl<T: Element> ProcessSafe for Value<T> {
    const LAYOUT: Layout =
        Layout::of::<Self>().named("Value").part::<T>("number", offset_of!(Self, number));

    unsafe fn settle(&mut self) {
        // SAFETY: the caller's promise for the whole holds for the part.
        unsafe { self.lock.settle() };
    }
}

impl<T: Element> Value<T> {
    const_fn! {
        /// The number `value`, unlocked.
        pub fn new(value: T) -> Self {
            Value { lock: Lock::new(()), number: Number::new(value) }
        }
    }

    /// The number.
    #[inline]
    pub fn get(&self) -> T {
        element::get(self.number.atom())
    }

    /// Writes the number.
    #[inline]
    pub fn set(&self, value: T) {
        element::set(self.number.atom(), value);
    }

    /// Writes the number and gives what it was, in one step.
    #[inline]
    pub fn swap(&self, value: T) -> T {
        element::swap(self.number.atom(), value)
    }

    /// Adds `more` and gives what the number was, in one step. Integers wrap.
    #[inline]
    pub fn fetch_add(&self, more: T) -> T {
        element::fetch_add(self.number.atom(), more)
    }

    /// Writes `new` if the number is `old`, in one step. Floats are compared by their bits: a NaN
    /// can be equal to itself, and 0.0 is not -0.0.
    ///
    /// # Errors
    ///
    /// What was there instead of `old`.
    #[inline]
    pub fn compare_exchange(&self, old: T, new: T) -> Result<T, T> {
        element::compare_exchange(self.number.atom(), old, new)
    }

    /// Waits for the value's lock and takes it: for a change that takes several accesses. It keeps
    /// out those who take it too, and nobody else.
    ///
    /// # Errors
    ///
    /// [`Poisoned`], as for [`Lock::lock`].
    ///
    /// # Panics
    ///
    /// When this thread holds it already.
    pub fn lock(&self) -> Result<LockGuard<'_, ()>, Poisoned<LockGuard<'_, ()>>> {
        self.lock.lock()
    }

    /// Takes the value's lock if it is free.
    ///
    /// # Errors
    ///
    /// As for [`Lock::try_lock`].
    pub fn try_lock(&self) -> Result<LockGuard<'_, ()>, TryLockError<LockGuard<'_, ()>>> {
        self.lock.try_lock()
    }

    /// As [`Value::lock`], but for at most `timeout`.
    ///
    /// # Errors
    ///
    /// As for [`Lock::lock_for`].
    pub fn lock_for(
        &self,
        timeout: Duration,
    ) -> Result<LockGuard<'_, ()>, TryLockError<LockGuard<'_, ()>>> {
        self.lock.lock_for(timeout)
    }

    /// As [`Value::lock_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As for [`Lock::lock_until`].
    pub fn lock_until(
        &self,
        deadline: Instant,
    ) -> Result<LockGuard<'_, ()>, TryLockError<LockGuard<'_, ()>>> {
        self.lock.lock_until(deadline)
    }

    /// Declares the number whole again. Call it with the lock held, so that no death goes unseen.
    pub fn clear_poison(&self) {
        self.lock.clear_poison();
    }
}

impl<T: Element + Default> Default for Value<T> {
    fn default() -> Self {
        Value::new(T::default())
    }
}

impl<T: Element> From<T> for Value<T> {
    fn from(value: T) -> Self {
        Value::new(value)
    }
}

impl<T: Element + fmt::Debug> fmt::Debug for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Value").field(&self.get()).finish()
    }
}
