//! Every operation of the event, except `wait_until`, which is `wait_for` with another argument.
//!
//! A waiter goes on if the event was set at some moment of its wait, even if it has been cleared since:
//! the wait takes effect at that moment.

use multiproc::{Event, Shared};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::targets::{Target, each, timeout};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Set,
    Clear,
    IsSet,
    Wait,
    WaitFor(u8),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ret {
    Done,
    Set(bool),
}

#[derive(Clone, Default)]
pub(crate) struct EventModel(bool);

impl SequentialSpec for EventModel {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::Set => self.0 = true,
            Op::Clear => self.0 = false,
            Op::IsSet | Op::Wait | Op::WaitFor(_) => return Ret::Set(self.0),
        }
        Ret::Done
    }
}

impl Target for Event {
    type Op = Op;
    type Ret = Ret;
    type Model = EventModel;
    type Shared = Shared<Event>;
    type Guards<'a> = ();

    fn private() -> Self {
        Event::new()
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        if rng.random() {
            return each(rng, workers, |rng, _| match rng.random_range(0..8) {
                0..2 => Op::Set,
                2..4 => Op::Clear,
                4..6 => Op::IsSet,
                _ => Op::WaitFor(rng.random()),
            });
        }
        // Some wait without a timeout; only the first worker clears, and it sets at the end.
        let mut programs =
            each(rng, workers, |rng, worker| match (worker, rng.random_range(0..4)) {
                (0, 0..2) => Op::Set,
                (0, _) => Op::Clear,
                (_, 0..2) => Op::Wait,
                (_, 2) => Op::IsSet,
                (_, _) => Op::WaitFor(rng.random()),
            });
        programs[0].push(Op::Set);
        programs
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        match *op {
            Op::Set => self.set(),
            Op::Clear => self.clear(),
            Op::IsSet => return Some(Ret::Set(self.is_set())),
            Op::Wait => {
                self.wait();
                return Some(Ret::Set(true));
            }
            Op::WaitFor(micros) => return Some(Ret::Set(self.wait_for(timeout(micros)))),
        }
        Some(Ret::Done)
    }
}
