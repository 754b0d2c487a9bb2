//! `Semaphore`, `BoundedSemaphore` and `RobustSemaphore`.

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{BoundedSemaphore, Overflow, Permit, RobustPermit, RobustSemaphore, Semaphore};

use super::{NOW, Way, now};

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Acquire {
        way: Way,
        keep: bool,
    },
    /// One of those that are kept.
    Drop(u8),
    Forget(u8),
    Release(u32),
    ReleaseFew(u8),
}

/// What all kinds of semaphores have.
pub(super) trait Permits {
    type Permit<'a>
    where
        Self: 'a;

    fn acquire(&self) -> Self::Permit<'_>;
    fn try_acquire(&self) -> Option<Self::Permit<'_>>;
    fn acquire_for(&self, timeout: Duration) -> Option<Self::Permit<'_>>;
    fn acquire_until(&self, deadline: Instant) -> Option<Self::Permit<'_>>;
    fn release(&self, permits: u32) -> Result<(), Overflow>;
    fn value(&self) -> u32;
    fn forget(permit: Self::Permit<'_>);
}

macro_rules! permits {
    ($semaphore:ty, $permit:ty) => {
        impl Permits for $semaphore {
            type Permit<'a> = $permit;

            fn acquire(&self) -> Self::Permit<'_> {
                self.acquire()
            }
            fn try_acquire(&self) -> Option<Self::Permit<'_>> {
                self.try_acquire()
            }
            fn acquire_for(&self, timeout: Duration) -> Option<Self::Permit<'_>> {
                self.acquire_for(timeout)
            }
            fn acquire_until(&self, deadline: Instant) -> Option<Self::Permit<'_>> {
                self.acquire_until(deadline)
            }
            fn release(&self, permits: u32) -> Result<(), Overflow> {
                self.release(permits)
            }
            fn value(&self) -> u32 {
                self.value()
            }
            fn forget(permit: Self::Permit<'_>) {
                permit.forget();
            }
        }
    };
}

permits! { Semaphore, Permit<'a> }
permits! { BoundedSemaphore, Permit<'a> }
permits! { RobustSemaphore<4>, RobustPermit<'a> }

/// What a semaphore should be.
pub(super) struct Model<'a, S: Permits + 'a, R> {
    free: u32,
    permits: Vec<S::Permit<'a>>,
    /// How many could be released, when so many are free and so many are held.
    room: R,
}

impl<'a, S: Permits, R: Fn(u32, u32) -> u32> Model<'a, S, R> {
    pub(super) fn new(free: u32, room: R) -> Self {
        Model { free, permits: Vec::new(), room }
    }

    fn room(&self) -> u32 {
        (self.room)(self.free, self.permits.len() as u32)
    }

    fn pick(&mut self, which: u8) -> Option<S::Permit<'a>> {
        let at = usize::from(which).checked_rem(self.permits.len())?;
        Some(self.permits.swap_remove(at))
    }

    fn release(&mut self, semaphore: &S, more: u32) {
        let fits = more <= self.room();
        assert_eq!(semaphore.release(more).is_ok(), fits);
        self.free += if fits { more } else { 0 };
    }

    pub(super) fn play(&mut self, turn: &Turn, semaphore: &'a S) {
        match *turn {
            Turn::Acquire { way, keep } => {
                let permit = match way {
                    Way::Plain if self.free > 0 => Some(semaphore.acquire()),
                    Way::Plain | Way::Try => semaphore.try_acquire(),
                    Way::For => semaphore.acquire_for(NOW),
                    Way::Until => semaphore.acquire_until(now()),
                };
                assert_eq!(permit.is_some(), self.free > 0);
                if let Some(permit) = permit {
                    self.free -= 1;
                    if keep { self.permits.push(permit) } else { S::forget(permit) }
                }
            }
            Turn::Drop(which) => {
                if let Some(permit) = self.pick(which) {
                    drop(permit);
                    // One that finds the semaphore full is given to nobody.
                    self.free += self.room().min(1);
                }
            }
            Turn::Forget(which) => drop(self.pick(which).map(S::forget)),
            Turn::Release(more) => self.release(semaphore, more),
            Turn::ReleaseFew(more) => self.release(semaphore, u32::from(more % 5)),
        }
        assert_eq!(semaphore.value(), self.free);
    }
}
