//! `Lock`, `RLock`, and the lock of a `Value`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{Lock, LockGuard, PoisonCause, Poisoned, RLock, RLockGuard, TryLockError, Value};

use super::{NOW, Way, now};

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Lock(Way),
    /// One of the guards.
    Unlock(u8),
    /// With the guard inside.
    Panic,
    ClearPoison,
}

/// What all kinds of locks have.
pub(super) trait Lockable {
    type Guard<'a>
    where
        Self: 'a;

    /// Whether its owner may lock it again.
    const AGAIN: bool = false;

    fn lock(&self) -> Result<Self::Guard<'_>, Poisoned<Self::Guard<'_>>>;
    fn try_lock(&self) -> Tried<Self::Guard<'_>>;
    fn lock_for(&self, timeout: Duration) -> Tried<Self::Guard<'_>>;
    fn lock_until(&self, deadline: Instant) -> Tried<Self::Guard<'_>>;
    fn clear_poison(&self);
    /// Whether it is locked and poisoned, where it says so.
    fn look(&self) -> Option<(bool, bool)>;
    /// Counts up what it guards, if it does guard a count; gives what it was.
    fn count(guard: &mut Self::Guard<'_>) -> Option<u32>;
}

type Tried<G> = Result<G, TryLockError<G>>;

macro_rules! lockable {
    ($lock:ty, $guard:ty; $($own:item)*) => {
        impl Lockable for $lock {
            type Guard<'a> = $guard;

            fn lock(&self) -> Result<Self::Guard<'_>, Poisoned<Self::Guard<'_>>> {
                self.lock()
            }
            fn try_lock(&self) -> Tried<Self::Guard<'_>> {
                self.try_lock()
            }
            fn lock_for(&self, timeout: Duration) -> Tried<Self::Guard<'_>> {
                self.lock_for(timeout)
            }
            fn lock_until(&self, deadline: Instant) -> Tried<Self::Guard<'_>> {
                self.lock_until(deadline)
            }
            fn clear_poison(&self) {
                self.clear_poison();
            }
            $($own)*
        }
    };
}

lockable! {
    Lock<u32>, LockGuard<'a, u32>;
    fn look(&self) -> Option<(bool, bool)> {
        Some((self.is_locked(), self.is_poisoned()))
    }
    fn count(guard: &mut LockGuard<u32>) -> Option<u32> {
        **guard += 1;
        Some(**guard - 1)
    }
}

lockable! {
    RLock<Cell<u32>>, RLockGuard<'a, Cell<u32>>;
    const AGAIN: bool = true;
    fn look(&self) -> Option<(bool, bool)> {
        Some((self.is_locked(), self.is_poisoned()))
    }
    fn count(guard: &mut RLockGuard<Cell<u32>>) -> Option<u32> {
        Some(guard.replace(guard.get() + 1))
    }
}

lockable! {
    Value<i16>, LockGuard<'a, ()>;
    fn look(&self) -> Option<(bool, bool)> {
        None
    }
    fn count(_: &mut LockGuard<()>) -> Option<u32> {
        None
    }
}

/// What a lock should be.
pub(super) struct Model<'a, L: Lockable + 'a> {
    pub(super) guards: Vec<L::Guard<'a>>,
    /// As it was locked: of what is mapped twice, each is a lock of its own to the owner's list.
    lock: Option<&'a L>,
    count: u32,
    pub(super) poisoned: bool,
}

impl<'a, L: Lockable> Model<'a, L> {
    pub(super) const fn new() -> Self {
        Model { guards: Vec::new(), lock: None, count: 0, poisoned: false }
    }

    pub(super) fn play(&mut self, turn: &Turn, lock: &'a L) {
        match *turn {
            Turn::Lock(way) => {
                let again = L::AGAIN && self.lock.is_some_and(|own| ptr::eq(own, lock));
                let may = self.guards.is_empty() || again;
                let locked = match way {
                    Way::Plain if may => lock.lock().map_err(TryLockError::Poisoned),
                    Way::Plain | Way::Try => lock.try_lock(),
                    Way::For => lock.lock_for(NOW),
                    Way::Until => lock.lock_until(now()),
                };
                let (guard, cause) = match locked {
                    Ok(guard) => (Some(guard), None),
                    Err(TryLockError::Poisoned(poisoned)) => {
                        let cause = poisoned.cause();
                        (Some(poisoned.into_inner()), Some(cause))
                    }
                    Err(TryLockError::WouldBlock) => (None, None),
                };
                assert_eq!(guard.is_some(), may);
                if let Some(mut guard) = guard {
                    assert_eq!(cause, self.poisoned.then_some(PoisonCause::Panicked));
                    assert!(L::count(&mut guard).is_none_or(|count| count == self.count));
                    self.count += 1;
                    self.guards.push(guard);
                    self.lock = Some(lock);
                }
            }
            Turn::Unlock(which) => {
                if let Some(at) = usize::from(which).checked_rem(self.guards.len()) {
                    drop(self.guards.swap_remove(at));
                }
            }
            Turn::Panic => {
                if let Some(guard) = self.guards.pop() {
                    let inside = AssertUnwindSafe(|| {
                        let _guard = guard;
                        resume_unwind(Box::new(()));
                    });
                    assert!(catch_unwind(inside).is_err());
                    self.poisoned = true;
                }
            }
            Turn::ClearPoison => {
                lock.clear_poison();
                self.poisoned = false;
            }
        }
        let seen = (!self.guards.is_empty(), self.poisoned);
        assert!(lock.look().is_none_or(|look| look == seen));
    }
}
