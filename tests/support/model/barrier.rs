use std::fmt;
use std::panic::resume_unwind;

use multiproc::{Barrier, BrokenBarrier};

use super::wait::Wait;
use super::{Model, Outcomes};

/// The workers that have arrived, of how many parties, and why the barrier is broken.
#[derive(Clone)]
pub(crate) struct BarrierModel {
    pub(crate) parties: usize,
    arrived: Vec<usize>,
    pub(crate) broken: Option<BrokenBarrier>,
}

#[derive(Clone)]
pub(crate) enum Op {
    Wait(Wait),
    /// With an action, and whether it panics.
    WaitThen(bool),
    Abort,
    Reset,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret {
    /// How many had arrived before, and whether this operation ran its action.
    Waited(Result<usize, BrokenBarrier>, bool),
    Done,
}

/// The message of an action's panic.
const PANIC: &str = "inside the action";

impl BarrierModel {
    pub(crate) fn new(parties: usize) -> Self {
        BarrierModel { parties, arrived: Vec::new(), broken: None }
    }

    /// All that have arrived pass.
    fn pass(&mut self, outcomes: &mut Outcomes<Ret>) {
        for (index, worker) in self.arrived.drain(..).enumerate() {
            outcomes.ret(worker, Ret::Waited(Ok(index), false));
        }
    }

    fn fail(&mut self, cause: BrokenBarrier, outcomes: &mut Outcomes<Ret>) {
        let failed = Ret::Waited(Err(cause), false);
        self.arrived.drain(..).for_each(|worker| outcomes.ret(worker, failed.clone()));
    }

    fn break_by(&mut self, cause: BrokenBarrier, outcomes: &mut Outcomes<Ret>) {
        self.broken = Some(cause);
        self.fail(cause, outcomes);
    }
}

impl Model for BarrierModel {
    type Op = Op;
    type Ret = Ret;
    /// The number of parties, how many have arrived, and whether it is broken.
    type View = (usize, usize, bool);

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Ret>) {
        let last = self.arrived.len() + 1 == self.parties;
        match (op, self.broken) {
            (Op::Wait(_) | Op::WaitThen(_), Some(cause)) => {
                outcomes.ret(worker, Ret::Waited(Err(cause), false));
            }
            (Op::WaitThen(true), None) if last => {
                outcomes.panic(worker, PANIC);
                self.break_by(BrokenBarrier::ActionPanicked, outcomes);
            }
            (Op::WaitThen(false), None) if last => {
                outcomes.ret(worker, Ret::Waited(Ok(self.arrived.len()), true));
                self.pass(outcomes);
            }
            (Op::Wait(wait), None) if !last && !wait.is_long() => {
                self.arrived.push(worker);
                self.break_by(BrokenBarrier::TimedOut, outcomes);
            }
            (Op::Wait(_) | Op::WaitThen(_), None) => {
                self.arrived.push(worker);
                if last {
                    self.pass(outcomes);
                }
            }
            (Op::Abort, broken) => {
                outcomes.ret(worker, Ret::Done);
                self.break_by(broken.unwrap_or(BrokenBarrier::Aborted), outcomes);
            }
            (Op::Reset, _) => {
                outcomes.ret(worker, Ret::Done);
                self.broken = None;
                self.fail(BrokenBarrier::Reset, outcomes);
            }
        }
    }

    fn view(&self) -> (usize, usize, bool) {
        (self.parties, self.arrived.len(), self.broken.is_some())
    }
}

pub(crate) fn perform(barrier: &Barrier, op: &Op) -> Ret {
    match *op {
        Op::Wait(wait) => {
            let waited = match wait {
                Wait::For(span) => barrier.wait_for(span.duration()),
                Wait::Until(span) => barrier.wait_until(span.instant()),
                _ => barrier.wait(),
            };
            Ret::Waited(waited, false)
        }
        Op::WaitThen(panics) => {
            let mut has_run = false;
            let waited = barrier.wait_then(|| {
                has_run = true;
                if panics {
                    resume_unwind(Box::new(PANIC));
                }
            });
            Ret::Waited(waited, has_run)
        }
        Op::Abort => {
            barrier.abort();
            Ret::Done
        }
        Op::Reset => {
            barrier.reset();
            Ret::Done
        }
    }
}

pub(crate) fn view(barrier: &Barrier) -> (usize, usize, bool) {
    (barrier.parties(), barrier.waiting(), barrier.is_broken())
}

impl fmt::Debug for BarrierModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barrier::new({})", self.parties)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Wait(wait) => wait.written(f, "wait", ""),
            Op::WaitThen(false) => f.write_str("wait_then(|| ())"),
            Op::WaitThen(true) => f.write_str("wait_then(|| panic!())"),
            Op::Abort => f.write_str("abort()"),
            Op::Reset => f.write_str("reset()"),
        }
    }
}
