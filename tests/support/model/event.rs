use std::fmt;

use multiproc::Event;

use super::wait::Wait;
use super::{Model, Outcomes};

/// A flag, and the workers that wait for it.
#[derive(Clone, Default)]
pub(crate) struct EventModel {
    set: bool,
    waiting: Vec<usize>,
}

#[derive(Clone)]
pub(crate) enum Op {
    Set,
    Clear,
    /// A set and at once a clear, after which the waiters still go on.
    Pulse,
    Wait(Wait),
}

impl Model for EventModel {
    type Op = Op;
    /// Whether it was set, for an operation that waits.
    type Ret = Option<bool>;
    type View = bool;

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Option<bool>>) {
        match *op {
            Op::Wait(wait) if !self.set && wait.is_long() => return self.waiting.push(worker),
            Op::Wait(_) => return outcomes.ret(worker, Some(self.set)),
            Op::Set => self.set = true,
            Op::Clear | Op::Pulse => self.set = false,
        }
        outcomes.ret(worker, None);
        if !matches!(op, Op::Clear) {
            self.waiting.drain(..).for_each(|worker| outcomes.ret(worker, Some(true)));
        }
    }

    fn view(&self) -> bool {
        self.set
    }
}

pub(crate) fn perform(event: &Event, op: &Op) -> Option<bool> {
    match op {
        Op::Set => event.set(),
        Op::Clear => event.clear(),
        Op::Pulse => {
            event.set();
            event.clear();
        }
        Op::Wait(Wait::For(span)) => return Some(event.wait_for(span.duration())),
        Op::Wait(Wait::Until(span)) => return Some(event.wait_until(span.instant())),
        Op::Wait(_) => {
            event.wait();
            return Some(true);
        }
    }
    None
}

impl fmt::Debug for EventModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event::new()")
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Set => f.write_str("set()"),
            Op::Clear => f.write_str("clear()"),
            Op::Pulse => f.write_str("set(), clear()"),
            Op::Wait(wait) => wait.written(f, "wait", ""),
        }
    }
}
