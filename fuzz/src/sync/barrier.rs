//! `Barrier`, at which nobody else waits.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use arbitrary::Arbitrary;
use multiproc::{Barrier, BrokenBarrier};

use super::{NOW, Way, now};

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Wait(Way),
    /// With an action, and whether that panics.
    WaitThen(bool),
    Abort,
    Reset,
}

/// What a barrier should be.
pub(super) struct Model {
    pub(super) parties: u32,
    pub(super) broken: Option<BrokenBarrier>,
}

impl Model {
    pub(super) fn play(&mut self, turn: &Turn, barrier: &Barrier) {
        // Whether a wait is over at once.
        let passes = self.parties == 1 || self.broken.is_some();
        match *turn {
            Turn::Wait(way) => {
                let waited = match way {
                    Way::Plain if passes => barrier.wait(),
                    Way::Until => barrier.wait_until(now()),
                    _ => barrier.wait_for(NOW),
                };
                if !passes {
                    self.broken = Some(BrokenBarrier::TimedOut);
                }
                assert_eq!(waited, self.broken.map_or(Ok(0), Err));
            }
            Turn::WaitThen(panics) if passes => {
                let mut acted = false;
                let action = || {
                    acted = true;
                    if panics {
                        resume_unwind(Box::new(()));
                    }
                };
                let waited = catch_unwind(AssertUnwindSafe(|| barrier.wait_then(action)));
                assert_eq!(acted, self.broken.is_none());
                assert_eq!(waited.is_err(), acted && panics);
                match waited {
                    Ok(waited) => assert_eq!(waited, self.broken.map_or(Ok(0), Err)),
                    Err(_) => self.broken = Some(BrokenBarrier::ActionPanicked),
                }
            }
            Turn::WaitThen(_) => {}
            Turn::Abort => {
                barrier.abort();
                self.broken = self.broken.or(Some(BrokenBarrier::Aborted));
            }
            Turn::Reset => {
                barrier.reset();
                self.broken = None;
            }
        }
        assert_eq!(barrier.is_broken(), self.broken.is_some());
        assert_eq!((barrier.parties(), barrier.waiting()), (self.parties as usize, 0));
    }
}
