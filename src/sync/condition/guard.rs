//! What waits at a condition with its lock given up.

use std::time::Duration;

use crate::error::{Poisoned, TryLockError};
use crate::shm::ProcessSafe;
use crate::sync::lock::{Lock, LockGuard};
use crate::sync::rlock::{RLock, RLockGuard};
use crate::sys::MODELLED;

/// A guard with which one can wait at a [`Condition`](crate::Condition): that of a
/// [`Lock`](crate::Lock), or of an [`RLock`](crate::RLock) around something that is [`ProcessSafe`].
/// The trait is sealed.
///
/// Why [`ProcessSafe`]: the wait gives up all levels of the lock, so another thread uses what is guarded
/// while references to it, of this thread's other guards, are still there. What is `ProcessSafe` bears
/// that, as it bears other processes. For anything else there is a `Lock`, of which the guard that waits
/// is the only one.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot wait at a condition",
    label = "no guard that can be given up meanwhile",
    note = "wait with the guard of a `Lock`, or with that of an `RLock` around something `ProcessSafe` \
            (such as a `Cell` of a number): other guards of the thread keep references to it meanwhile"
)]
pub trait ConditionGuard: Relock {}

impl<T> ConditionGuard for LockGuard<'_, T> {}

impl<T: ProcessSafe> ConditionGuard for RLockGuard<'_, T> {}

/// That a lock was given up. A panic that comes before it is had again finds other guards of this thread,
/// which must not be without their lock: where that cannot be had, the second panic ends the process.
pub(super) struct GivenUp<'a, G: Relock>(pub(super) &'a G::Given);

impl<G: Relock> Drop for GivenUp<'_, G> {
    fn drop(&mut self) {
        // A model ends its threads by panics, and they are to do nothing more.
        if !MODELLED {
            G::restore(self.0);
        }
    }
}

/// How a guard is given up and had again.
pub trait Relock: Sized {
    /// What a predicate is shown: the data; where there can be other guards, the guard, which gives `&T`.
    type Seen;
    /// The lock, and what it takes to have the same guard again.
    type Given;

    fn seen(&mut self) -> &mut Self::Seen;

    fn lock_of(guard: &Self) -> Self::Given;

    /// Unlocks, wholly.
    ///
    /// # Safety
    ///
    /// Before anything else is done by this thread with its other guards, the lock is had again, or
    /// [restored](Relock::restore).
    unsafe fn give_up(guard: Self, given: &mut Self::Given);

    /// Has the other guards of this thread hold the lock again, if there are any: for a panic that passes
    /// them.
    fn restore(given: &Self::Given);

    fn lock_again(given: &Self::Given) -> Result<Self, Poisoned<Self>>;

    fn lock_again_for(given: &Self::Given, timeout: Duration) -> Result<Self, TryLockError<Self>>;

    fn is_poisoned(given: &Self::Given) -> bool;

    /// Whether the owner died, and nobody has taken the lock since.
    fn is_forsaken(given: &Self::Given) -> bool;
}

impl<'a, T> Relock for LockGuard<'a, T> {
    type Seen = T;
    type Given = &'a Lock<T>;

    fn seen(&mut self) -> &mut T {
        self
    }

    fn lock_of(guard: &Self) -> &'a Lock<T> {
        LockGuard::lock_of(guard)
    }

    unsafe fn give_up(guard: Self, _: &mut &'a Lock<T>) {
        drop(guard);
    }

    /// There are none.
    fn restore(_: &&'a Lock<T>) {}

    fn lock_again(lock: &&'a Lock<T>) -> Result<Self, Poisoned<Self>> {
        lock.lock()
    }

    fn lock_again_for(lock: &&'a Lock<T>, timeout: Duration) -> Result<Self, TryLockError<Self>> {
        lock.lock_for(timeout)
    }

    fn is_poisoned(lock: &&'a Lock<T>) -> bool {
        lock.is_poisoned()
    }

    fn is_forsaken(lock: &&'a Lock<T>) -> bool {
        lock.is_forsaken()
    }
}

/// An [`RLock`], and how often it was locked.
pub struct Levels<'a, T>(&'a RLock<T>, u32);

impl<'a, T> Relock for RLockGuard<'a, T> {
    type Seen = Self;
    type Given = Levels<'a, T>;

    fn seen(&mut self) -> &mut Self {
        self
    }

    fn lock_of(guard: &Self) -> Levels<'a, T> {
        Levels(RLockGuard::lock_of(guard), 1)
    }

    unsafe fn give_up(guard: Self, Levels(_, levels): &mut Levels<'a, T>) {
        // SAFETY: the caller's promise.
        *levels = unsafe { RLockGuard::give_up(guard) };
    }

    fn restore(&Levels(lock, levels): &Levels<'a, T>) {
        if levels > 1 {
            lock.lock_below(levels);
        }
    }

    fn lock_again(&Levels(lock, levels): &Levels<'a, T>) -> Result<Self, Poisoned<Self>> {
        lock.lock_again(levels)
    }

    fn lock_again_for(
        &Levels(lock, levels): &Levels<'a, T>,
        timeout: Duration,
    ) -> Result<Self, TryLockError<Self>> {
        lock.lock_again_for(levels, timeout)
    }

    fn is_poisoned(Levels(lock, _): &Levels<'a, T>) -> bool {
        lock.is_poisoned()
    }

    fn is_forsaken(Levels(lock, _): &Levels<'a, T>) -> bool {
        lock.is_forsaken()
    }
}
