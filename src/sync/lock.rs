//! Mutual exclusion around a value.

use std::fmt;
use std::marker::PhantomData;
use std::mem::{ManuallyDrop, offset_of};
use std::ops::{Deref, DerefMut};
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{PoisonCause, Poisoned, TryLockError};
use crate::shm::{Layout, ProcessSafe};
use crate::sync::raw_lock::{Hold, RawLock};
use crate::sys::{Access, Cell, Deadline, const_fn};

/// A value that one thread of one process at a time may touch.
///
/// Between threads it lives wherever Rust puts it; between processes it lives in a
/// [`Shared`](crate::Shared).
///
/// ```
/// use multiproc::Lock;
///
/// static PAIR: Lock<(u32, u32)> = Lock::new((0, 0));
/// let mut pair = PAIR.lock()?;
/// pair.0 += 1;
/// pair.1 += 1;
/// assert_eq!(pair.0, pair.1);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Costs
///
/// 40 bytes and the value. Uncontended, locking and unlocking are an atomic operation each, and
/// no system call. Nothing allocates, but for a record of some 300 bytes at a thread's first lock,
/// and for more room in it when a thread holds 32 at once, 64, and so on.
///
/// # If the owner dies
///
/// When its process dies, or goes on to another program (exec), the next to lock gets
/// [`Poisoned`], which holds the guard. Not before all threads of the process have ended, or it does not
/// map the memory any more: the owner may have lent the value to any of them
/// ([`scope`](std::thread::scope)), which dies later than the owner, and may be in a system call that
/// writes there. Until then the lock is locked, also to [`Lock::try_lock`].
///
/// A waiter hears of it at once when the kernel reports the death (nearly always), and within 100 ms, at
/// most a second, when it has to find out (an exec from a thread other than the main one; the oldest of more
/// than 2048 locks that one thread holds at once; a lock that a thread took while it held a robust mutex of
/// glibc's). From the kill of a small process to the next owner it takes some 0.4 ms, and longer for one
/// with much memory of its own, which the system frees first: 50 ms for 200 MB. (2026-11-30, a busy Zen 4
/// VM of 2 cores.) An exec is seen after at most twice the time that it takes, where /proc tells what the
/// process maps; of a program that runs with other rights it does not, and the lock is locked until that
/// ends. A stopped owner is alive, and is waited for.
///
/// A thread ends with a lock only when it has leaked the guard, or taken the lock in the very last of the
/// handlers that are run at its end (of pthread keys). What the guard gave access to may then be in use
/// in another thread: the lock stays locked as long as the process lives.
///
/// # Fairness
///
/// Whoever comes when the lock is free takes it, also before those who sleep. Of those, unlocking
/// wakes the one that lay down first, which takes the lock or, when another was faster, lies down
/// again behind the rest; so does whoever has slept for 100 ms. Nobody is guaranteed a turn.
///
/// Of 64 threads that each came back at once for two seconds, the one in the middle waited 0.2 to
/// 0.6 s at the longest, and the unluckiest 0.3 to 1.2 s; of 64 processes, up to 0.7 s and up to
/// 1.5 s; of 64 threads at std's mutex, 0.4 to 0.9 s and 1.0 to 1.9 s. Sleepers whom nobody
/// forestalled all went in the order in which they came. (2026-11-24, a busy Zen 4 VM of 2 cores, six
/// runs of `cargo bench -- fairness`.)
///
/// # Different from Python
///
/// The lock holds what it guards, so nothing can be touched without it. Releasing is dropping the
/// guard: releasing twice, or a lock held by another, cannot be written. A dead owner is reported;
/// in Python everyone hangs.
#[repr(C)]
pub struct Lock<T> {
    raw: RawLock,
    data: Cell<T>,
}

// SAFETY: the lock gives one thread at a time access to the value.
unsafe impl<T: Send> Send for Lock<T> {}
// SAFETY: as above; `&T` never reaches two threads at once, so `Sync` is not needed of `T`.
unsafe impl<T: Send> Sync for Lock<T> {}

// SAFETY: the protocol's words are atomics, any bits of which are read as some state; the node is
// written for the kernel and not believed; the value is ProcessSafe itself and settled.
unsafe impl<T: ProcessSafe> ProcessSafe for Lock<T> {
    const LAYOUT: Layout =
        Layout::of::<Self>().named("Lock").part::<T>("data", offset_of!(Self, data));

    unsafe fn settle(&mut self) {
        const {
            assert!(
                !T::PINNED,
                "a lock inside a lock could be moved by whoever holds the outer one \
                 (see ProcessSafe::PINNED)"
            );
        }
        // SAFETY: the caller's promise for the whole holds for each part.
        unsafe {
            self.raw.settle();
            self.data.get_mut().settle();
        }
    }
}

impl<T> Lock<T> {
    const_fn! {
        /// A free lock around `value`.
        pub fn new(value: T) -> Self {
            Lock { raw: RawLock::new(), data: Cell::new(value) }
        }
    }

    /// The value, back.
    ///
    /// # Errors
    ///
    /// [`Poisoned`] with the value, when an owner died or panicked.
    pub fn into_inner(self) -> Result<T, Poisoned<T>> {
        let poison = self.raw.poison();
        let value = self.data.into_inner();
        match poison {
            None => Ok(value),
            Some(cause) => Err(Poisoned::new(value, cause)),
        }
    }

    /// Waits until the lock is free and takes it; it is free again when the guard is dropped.
    ///
    /// # Errors
    ///
    /// [`Poisoned`], which holds the guard, when an owner died or panicked while holding the lock
    /// and nobody has called [`Lock::clear_poison`] since.
    ///
    /// # Panics
    ///
    /// When this thread holds the lock already: it would wait for itself for ever.
    #[inline(always)]
    pub fn lock(&self) -> Result<LockGuard<'_, T>, Poisoned<LockGuard<'_, T>>> {
        match self.raw.lock(Deadline::Never) {
            Some(hold) => self.guard(hold),
            None => unreachable!("without a deadline the lock is waited for"),
        }
    }

    /// Takes the lock if it is free.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] when it is not; [`TryLockError::Poisoned`] as for
    /// [`Lock::lock`].
    #[inline]
    pub fn try_lock(&self) -> Result<LockGuard<'_, T>, TryLockError<LockGuard<'_, T>>> {
        self.timely(self.raw.try_lock())
    }

    /// As [`Lock::lock`], but for at most `timeout`; one whose end no clock tells is none.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] when it was held all the time; [`TryLockError::Poisoned`] as
    /// for [`Lock::lock`].
    pub fn lock_for(
        &self,
        timeout: Duration,
    ) -> Result<LockGuard<'_, T>, TryLockError<LockGuard<'_, T>>> {
        self.timely(self.raw.lock(Deadline::after(timeout)))
    }

    /// As [`Lock::lock_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As [`Lock::lock_for`].
    pub fn lock_until(
        &self,
        deadline: Instant,
    ) -> Result<LockGuard<'_, T>, TryLockError<LockGuard<'_, T>>> {
        self.timely(self.raw.lock(Deadline::at(deadline)))
    }

    /// Whether someone holds the lock at this moment.
    pub fn is_locked(&self) -> bool {
        self.raw.is_locked()
    }

    /// Whether an owner died or panicked while holding the lock.
    pub fn is_poisoned(&self) -> bool {
        self.raw.poison().is_some()
    }

    /// Declares the value whole again. Call it with the lock held, so that no death goes unseen.
    pub fn clear_poison(&self) {
        self.raw.clear_poison();
    }

    /// The value, without locking: the borrow is exclusive already.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }

    /// Whether the owner died, and nobody has taken the lock since.
    pub(super) fn is_forsaken(&self) -> bool {
        self.raw.is_forsaken()
    }

    #[inline(always)]
    fn guard(&self, hold: Hold) -> Result<LockGuard<'_, T>, Poisoned<LockGuard<'_, T>>> {
        self.raw.lend(hold);
        let poison = self.raw.poison();
        let guard = LockGuard {
            lock: self,
            access: ManuallyDrop::new(self.data.access()),
            hold,
            was_panicking: thread::panicking(),
            not_send: PhantomData,
        };
        match poison {
            None => Ok(guard),
            Some(cause) => Err(Poisoned::new(guard, cause)),
        }
    }

    #[inline]
    fn timely(
        &self,
        hold: Option<Hold>,
    ) -> Result<LockGuard<'_, T>, TryLockError<LockGuard<'_, T>>> {
        let hold = hold.ok_or(TryLockError::WouldBlock)?;
        self.guard(hold).map_err(TryLockError::Poisoned)
    }
}

impl<T: Default> Default for Lock<T> {
    fn default() -> Self {
        Lock::new(T::default())
    }
}

impl<T> From<T> for Lock<T> {
    fn from(value: T) -> Self {
        Lock::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for Lock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Lock");
        match self.try_lock() {
            Ok(guard) => debug.field("data", &&*guard),
            Err(TryLockError::Poisoned(poisoned)) => debug.field("data", &&**poisoned.get_ref()),
            Err(TryLockError::WouldBlock) => debug.field("data", &format_args!("<locked>")),
        };
        debug.field("poisoned", &self.is_poisoned()).finish()
    }
}

/// That this thread holds a [`Lock`]; gives access to the value, and unlocks when dropped.
///
/// It stays on its thread. [`Process::fork`](crate::Process::fork) refuses while a lock in shared
/// memory is held; of one in private memory, the child has a copy, with a guard of its own.
#[must_use = "the lock is free again as soon as the guard is dropped"]
pub struct LockGuard<'a, T> {
    lock: &'a Lock<T>,
    access: ManuallyDrop<Access<T>>,
    hold: Hold,
    was_panicking: bool,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: Sync> Sync for LockGuard<'_, T> {}

impl<'a, T> LockGuard<'a, T> {
    /// The lock that is held. (Not a method: those are the value's.)
    pub(super) fn lock_of(guard: &Self) -> &'a Lock<T> {
        guard.lock
    }

    /// A copy of the value, read once. (Not a method: those are the value's.)
    ///
    /// For a lock in memory that a process maps which means harm, and writes there though it does not
    /// hold the lock. What is read through the guard itself, the compiler may read again later: a number
    /// that was checked may then be another when it is used. The copy does not change.
    ///
    /// ```
    /// use multiproc::{Lock, LockGuard, Shared};
    ///
    /// let index = Shared::new(Lock::new(2u32))?;
    /// let table = ["a", "b", "c"];
    /// let index = LockGuard::copied(&index.lock()?);
    /// assert_eq!(table.get(index as usize), Some(&"c"));
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn copied(guard: &Self) -> T
    where
        T: Copy,
    {
        // SAFETY: the lock is held, so this thread alone, of all that keep to it, has access.
        unsafe { guard.access.read_once(&guard.lock.data) }
    }
}

impl<T> Deref for LockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        // SAFETY: the lock is held, so this thread alone, of all that map it, has access.
        unsafe { self.access.get(&self.lock.data) }
    }
}

impl<T> DerefMut for LockGuard<'_, T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as above, and the guard is borrowed exclusively.
        unsafe { self.access.get_mut(&self.lock.data) }
    }
}

impl<T> Drop for LockGuard<'_, T> {
    #[inline(always)]
    fn drop(&mut self) {
        if !self.was_panicking && thread::panicking() {
            self.lock.raw.set_poison(PoisonCause::Panicked);
        }
        // SAFETY: dropped here and never used again: the access ends before the lock is free.
        unsafe { ManuallyDrop::drop(&mut self.access) };
        self.lock.raw.unlock(self.hold);
    }
}

impl<T: fmt::Debug> fmt::Debug for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for LockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
