//! `Semaphore`, `BoundedSemaphore` and `RobustSemaphore`.

use arbitrary::Arbitrary;

use super::super::agree::{agree, ready};
use super::super::model::Model;
use super::super::model::semaphore::{self, Kind, Permits, SemaphoreModel};
use super::super::model::wait::Wait;

#[derive(Arbitrary, Debug)]
pub(super) enum Op {
    Acquire {
        wait: Wait,
        keep: bool,
    },
    /// Drops one of the permits that are kept.
    Drop(u8),
    Forget(u8),
    Release(u32),
    ReleaseFew(u8),
}

/// A semaphore's model, and the permits that are held.
pub(super) struct SemaphoreState<'a, S: Permits + 'a, K: Kind> {
    model: SemaphoreModel<K>,
    permits: Vec<S::Permit<'a>>,
}

impl<'a, S: Permits, K: Kind> SemaphoreState<'a, S, K> {
    pub(super) fn new(permits: u32) -> Self {
        SemaphoreState { model: SemaphoreModel::new(permits), permits: Vec::new() }
    }

    pub(super) fn perform(&mut self, op: Op, semaphore: &'a S) {
        let held = self.permits.len();
        match op {
            Op::Acquire { wait, keep } => {
                let op = ready(&self.model, 0, wait, Wait::Not, semaphore::Op::Acquire);
                self.agree(op, semaphore);
                if self.permits.len() > held && !keep {
                    self.agree(semaphore::Op::Forget, semaphore);
                }
            }
            Op::Drop(which) => {
                self.pick(which);
                self.agree(semaphore::Op::Drop, semaphore);
            }
            Op::Forget(which) => {
                self.pick(which);
                self.agree(semaphore::Op::Forget, semaphore);
            }
            Op::Release(more) => self.agree(semaphore::Op::Release(more), semaphore),
            Op::ReleaseFew(more) => {
                self.agree(semaphore::Op::Release(u32::from(more % 5)), semaphore);
            }
        }
        assert_eq!(semaphore.view(), self.model.view());
    }

    fn agree(&mut self, op: semaphore::Op, semaphore: &'a S) {
        let permits = &mut self.permits;
        agree(&mut self.model, 0, op, |op| semaphore.perform(op, permits));
    }

    /// Puts a permit to the end, from where it is taken.
    fn pick(&mut self, which: u8) {
        if let Some(at) = usize::from(which).checked_rem(self.permits.len()) {
            let last = self.permits.len() - 1;
            self.permits.swap(at, last);
        }
    }
}
