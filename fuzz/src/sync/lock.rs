//! `Lock`, `RLock`, and the lock of a `Value`.

use arbitrary::Arbitrary;

use super::super::agree::{agree, ready};
use super::super::model::Model;
use super::super::model::lock::{self, LockModel, Lockable};
use super::super::model::wait::Wait;

#[derive(Arbitrary, Debug)]
pub(super) enum Op {
    Lock(Wait),
    /// Drops one of the guards.
    Unlock(u8),
    /// Panics while it holds a guard.
    Panic,
    ClearPoison,
}

impl Op {
    /// Puts the guard that it needs to the front.
    pub(super) fn decoded<const AGAIN: bool, G>(
        self,
        model: &LockModel<AGAIN>,
        guards: &mut [G],
        worker: usize,
    ) -> lock::Op {
        match self {
            Op::Lock(wait) => ready(model, worker, wait, Wait::Not, lock::Op::Lock),
            Op::Unlock(which) => {
                if let Some(at) = usize::from(which).checked_rem(guards.len()) {
                    guards.swap(0, at);
                }
                lock::Op::Unlock
            }
            Op::Panic => {
                guards.rotate_right(usize::from(!guards.is_empty()));
                lock::Op::Panic
            }
            Op::ClearPoison => lock::Op::ClearPoison,
        }
    }
}

/// A lock's model, and the guards that are held.
pub(super) struct LockState<'a, L: Lockable + 'a, const AGAIN: bool> {
    pub(super) model: LockModel<AGAIN>,
    pub(super) guards: Vec<L::Guard<'a>>,
    /// As it was locked last.
    pub(super) lock: Option<&'a L>,
}

impl<'a, L: Lockable + 'a, const AGAIN: bool> Default for LockState<'a, L, AGAIN> {
    fn default() -> Self {
        LockState { model: LockModel::default(), guards: Vec::new(), lock: None }
    }
}

impl<'a, L: Lockable, const AGAIN: bool> LockState<'a, L, AGAIN> {
    pub(super) fn perform(&mut self, op: Op, lock: &'a L, worker: usize) {
        let op = op.decoded(&self.model, &mut self.guards, worker);
        let is_owners = matches!(op, lock::Op::Unlock | lock::Op::Panic);
        let worker = self.model.owner.filter(|_| is_owners).unwrap_or(worker);
        let held = self.guards.len();
        let guards = &mut self.guards;
        agree(&mut self.model, worker, op, |op| lock.perform(op, guards));
        if self.guards.len() > held {
            self.lock = Some(lock);
            // Shows at the next lock that this one was exclusive.
            let write = lock::Op::Write(self.model.value.wrapping_add(1));
            self.guards.rotate_right(1);
            let guards = &mut self.guards;
            agree(&mut self.model, worker, write, |op| lock.perform(op, guards));
        }
    }

    /// Whether it is locked, and whether it is poisoned.
    pub(super) fn view(&self) -> (bool, bool) {
        let (locked, poisoned, _) = self.model.view();
        (locked, poisoned)
    }
}
