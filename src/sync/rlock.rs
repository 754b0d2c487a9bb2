//! Mutual exclusion that its owner may enter again.

use std::fmt;
use std::marker::PhantomData;
use std::mem::offset_of;
use std::ops::Deref;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{PoisonCause, Poisoned, TryLockError};
use crate::shm::{Layout, ProcessSafe};
use crate::sync::raw_lock::{Hold, RawLock};
use crate::sys::{Deadline, Futex, Ordering::Relaxed, const_fn};

/// A value that one thread of one process at a time may touch, and which that thread may lock again
/// while it holds it.
///
/// Since several guards of one thread can be alive at once, they give `&T`: change the value through
/// what allows it, such as [`Cell`](std::cell::Cell).
///
/// ```
/// use std::cell::Cell;
///
/// use multiproc::RLock;
///
/// static BALANCE: RLock<Cell<i64>> = RLock::new(Cell::new(0));
///
/// fn add(amount: i64) -> Result<(), multiproc::Error> {
///     let balance = BALANCE.lock()?;
///     balance.set(balance.get() + amount);
///     Ok(())
/// }
///
/// let balance = BALANCE.lock()?;
/// add(5)?; // locks again, within
/// add(2)?;
/// assert_eq!(balance.get(), 7);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Costs
///
/// 48 bytes and the value, and what a [`Lock`](crate::Lock) costs; locking again is no atomic
/// read-modify-write, only a look and a count.
///
/// # If the owner dies
///
/// As with a [`Lock`](crate::Lock): the next to lock gets [`Poisoned`], which holds the guard, however
/// often the dead had locked.
///
/// # Fairness
///
/// That of a [`Lock`](crate::Lock).
///
/// # Different from Python
///
/// A [`Condition`](crate::Condition) gives it up wholly while it waits, as there. The lock holds what it
/// guards. Releasing is dropping a guard, in any order: a release by a thread
/// that is not the owner, or one too many, cannot be written. A dead owner is reported; in Python
/// everyone hangs.
#[repr(C)]
pub struct RLock<T> {
    raw: RawLock,
    /// How many guards the owner has; nobody else looks, and the next owner begins with 1.
    depth: Futex,
    data: T,
}

// SAFETY: the lock gives one thread at a time access to the value.
unsafe impl<T: Send> Send for RLock<T> {}
// SAFETY: as above; `&T` never reaches two threads at once, so `Sync` is not needed of `T`.
unsafe impl<T: Send> Sync for RLock<T> {}

// SAFETY: the protocol's words are atomics, any bits of which are read as some state; the node is
// written for the kernel and not believed; the value is ProcessSafe itself and settled. Guards give
// `&T`, so a lock in it stays where it is.
unsafe impl<T: ProcessSafe> ProcessSafe for RLock<T> {
    const LAYOUT: Layout =
        Layout::of::<Self>().named("RLock").part::<T>("data", offset_of!(Self, data));

    unsafe fn settle(&mut self) {
        // SAFETY: the caller's promise for the whole holds for each part.
        unsafe {
            self.raw.settle();
            self.data.settle();
        }
    }
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl<T> RLock<T> {
    const_fn! {
        /// A free lock around `value`.
        pub fn new(value: T) -> Self {
            RLock { raw: RawLock::new(), depth: Futex::new(0), data: value }
        }
    }

    /// The value, back.
    ///
    /// # Errors
    ///
    /// [`Poisoned`] with the value, when an owner died or panicked.
    pub fn into_inner(self) -> Result<T, Poisoned<T>> {
        match self.raw.poison() {
            None => Ok(self.data),
            Some(cause) => Err(Poisoned::new(self.data, cause)),
        }
    }

    /// Waits until the lock is free, or held by this thread, and takes it; it is free again when the
    /// last guard is dropped. (A thread that ever has 2^32 - 1 of them, most of which it must have
    /// leaked, keeps it.)
    ///
    /// # Errors
    ///
    /// [`Poisoned`], which holds the guard, when an owner died or panicked while holding the lock
    /// and nobody has called [`RLock::clear_poison`] since.
    #[inline]
    pub fn lock(&self) -> Result<RLockGuard<'_, T>, Poisoned<RLockGuard<'_, T>>> {
        if self.again() { self.guard() } else { self.lock_again(1) }
    }

    /// Takes the lock if it is free, or held by this thread.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] when it is held by another; [`TryLockError::Poisoned`] as for
    /// [`RLock::lock`].
    #[inline]
    pub fn try_lock(&self) -> Result<RLockGuard<'_, T>, TryLockError<RLockGuard<'_, T>>> {
        self.timely(|| self.raw.try_lock())
    }

    /// As [`RLock::lock`], but for at most `timeout`; one whose end no clock tells is none.
    ///
    /// # Errors
    ///
    /// [`TryLockError::WouldBlock`] when another held it all the time; [`TryLockError::Poisoned`] as
    /// for [`RLock::lock`].
    pub fn lock_for(
        &self,
        timeout: Duration,
    ) -> Result<RLockGuard<'_, T>, TryLockError<RLockGuard<'_, T>>> {
        self.timely(|| self.raw.lock(Deadline::after(timeout)))
    }

    /// As [`RLock::lock_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As [`RLock::lock_for`].
    pub fn lock_until(
        &self,
        deadline: Instant,
    ) -> Result<RLockGuard<'_, T>, TryLockError<RLockGuard<'_, T>>> {
        self.timely(|| self.raw.lock(Deadline::at(deadline)))
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
        &mut self.data
    }

    /// Locks it so often at once, for a thread that does not have it.
    #[inline]
    pub(super) fn lock_again(
        &self,
        levels: u32,
    ) -> Result<RLockGuard<'_, T>, Poisoned<RLockGuard<'_, T>>> {
        let locked = self.first(self.raw.lock(Deadline::Never), levels);
        assert!(locked, "without a deadline the lock is waited for");
        self.guard()
    }

    /// As `lock_again`, but for at most `timeout`.
    pub(super) fn lock_again_for(
        &self,
        levels: u32,
        timeout: Duration,
    ) -> Result<RLockGuard<'_, T>, TryLockError<RLockGuard<'_, T>>> {
        match self.first(self.raw.lock(Deadline::after(timeout)), levels) {
            true => self.guard().map_err(TryLockError::Poisoned),
            false => Err(TryLockError::WouldBlock),
        }
    }

    /// Whether the owner died, and nobody has taken the lock since.
    pub(super) fn owner_is_dead(&self) -> bool {
        self.raw.owner_is_dead()
    }

    /// Counts the hold of this thread once more, if it has one.
    #[inline]
    fn again(&self) -> bool {
        if self.raw.held().is_none() {
            return false;
        }
        // Relaxed: only the owner counts, and whoever is next begins anew. It never wraps: then the
        // lock would be free too early.
        let depth = self.depth.load(Relaxed).saturating_add(1);
        self.depth.store(depth, Relaxed);
        true
    }

    /// Begins to count a hold, if this is one, that this thread did not have before.
    #[inline]
    fn first(&self, hold: Option<Hold>, levels: u32) -> bool {
        if let Some(hold) = hold {
            // Relaxed: as in `again`. A dead owner's count is forgotten here.
            self.depth.store(levels, Relaxed);
            self.raw.lend(hold);
        }
        hold.is_some()
    }

    #[inline]
    fn guard(&self) -> Result<RLockGuard<'_, T>, Poisoned<RLockGuard<'_, T>>> {
        let poison = self.raw.poison();
        let was_panicking = thread::panicking();
        let guard = RLockGuard { lock: self, was_panicking, not_send: PhantomData };
        match poison {
            None => Ok(guard),
            Some(cause) => Err(Poisoned::new(guard, cause)),
        }
    }

    #[inline]
    fn timely(
        &self,
        otherwise: impl FnOnce() -> Option<Hold>,
    ) -> Result<RLockGuard<'_, T>, TryLockError<RLockGuard<'_, T>>> {
        match self.again() || self.first(otherwise(), 1) {
            true => self.guard().map_err(TryLockError::Poisoned),
            false => Err(TryLockError::WouldBlock),
        }
    }
}

impl<T: Default> Default for RLock<T> {
    fn default() -> Self {
        RLock::new(T::default())
    }
}

impl<T> From<T> for RLock<T> {
    fn from(value: T) -> Self {
        RLock::new(value)
    }
}

impl<T: fmt::Debug> fmt::Debug for RLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("RLock");
        match self.try_lock() {
            Ok(guard) => debug.field("data", &&*guard),
            Err(TryLockError::Poisoned(poisoned)) => debug.field("data", &&**poisoned.get_ref()),
            Err(TryLockError::WouldBlock) => debug.field("data", &format_args!("<locked>")),
        };
        debug.field("poisoned", &self.is_poisoned()).finish()
    }
}

/// That this thread holds an [`RLock`]; gives access to the value. The last of them that is dropped
/// unlocks.
///
/// It stays on its thread. [`Process::fork`](crate::Process::fork) refuses while a lock in shared
/// memory is held; of one in private memory, the child has a copy, with guards of its own.
#[must_use = "the lock is given back as soon as the guard is dropped"]
pub struct RLockGuard<'a, T> {
    lock: &'a RLock<T>,
    was_panicking: bool,
    not_send: PhantomData<*const ()>,
}

// SAFETY: a shared guard gives `&T` only.
unsafe impl<T: Sync> Sync for RLockGuard<'_, T> {}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl<'a, T> RLockGuard<'a, T> {
    /// The lock that is held. (Not a method: those are the value's.)
    pub(super) fn lock_of(guard: &Self) -> &'a RLock<T> {
        guard.lock
    }

    /// Unlocks, however often this thread has locked; gives how often that was.
    ///
    /// # Safety
    ///
    /// What is guarded is `ProcessSafe`, and nothing is done with other guards of this thread, nor what
    /// was borrowed from them, until it has locked again.
    pub(super) unsafe fn give_up(guard: Self) -> u32 {
        let RLock { raw, depth, .. } = guard.lock;
        let mut levels = 1;
        // As in the drop of a guard.
        if raw.held().is_some() {
            // Relaxed: here and below, as in `again`.
            levels = depth.load(Relaxed);
            // This guard, which is dropped here, is the last.
            depth.store(1, Relaxed);
        }
        levels
    }
}

impl<T> Deref for RLockGuard<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.lock.data
    }
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl<T> Drop for RLockGuard<'_, T> {
    #[inline]
    fn drop(&mut self) {
        let RLock { raw, depth, .. } = self.lock;
        // A child of a fork has copies of guards in shared memory, but not the lock.
        let Some(hold) = raw.held() else { return };
        if !self.was_panicking && thread::panicking() {
            raw.set_poison(PoisonCause::Panicked);
        }
        // Relaxed: as in `again`; what the next owner is to see, the unlock carries.
        match depth.load(Relaxed) {
            // Nobody knows how many more there are.
            u32::MAX => {}
            others @ 2.. => depth.store(others - 1, Relaxed),
            // The last. (Or a peer wrote there: then the lock is free too early, as it can be.)
            0 | 1 => raw.unlock(hold),
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for RLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: fmt::Display> fmt::Display for RLockGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
