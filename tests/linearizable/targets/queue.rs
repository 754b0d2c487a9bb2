//! Every form of put and get, `close`, `is_closed` and `is_empty`.
//!
//! * `try_put` and `try_get` wait for the lock of their side, and then act on the state at that moment.
//! * A timed form that timed out had no effect, and says nothing about the state: it may have waited
//!   all the time for the lock of its side, while there was room or a value.
//! * `len` and `is_full` read two words one after the other, and may return a number that never was:
//!   not checked. `is_empty` is right at one moment.
//! * `task_done` and `join` do not touch the messages: see the model of the queue.

use std::collections::VecDeque;

use multiproc::{GetError, PutError, Queue};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::targets::{Handle, Target, each, timeout};

pub(crate) const CAPACITY: usize = 2;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Put(u64),
    TryPut(u64),
    PutFor(u64, u8),
    Get,
    TryGet,
    GetFor(u8),
    IsEmpty,
    Close,
    IsClosed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ret {
    Done,
    Got(u64),
    Full,
    Empty,
    TimedOut,
    Closed,
    Is(bool),
}

#[derive(Clone, Default)]
pub(crate) struct QueueModel {
    values: VecDeque<u64>,
    closed: bool,
}

impl SequentialSpec for QueueModel {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match *op {
            Op::Put(_) | Op::TryPut(_) | Op::PutFor(..) if self.closed => Ret::Closed,
            Op::Put(value) | Op::TryPut(value) | Op::PutFor(value, _) => {
                if self.values.len() == CAPACITY {
                    return Ret::Full;
                }
                self.values.push_back(value);
                Ret::Done
            }
            Op::Get | Op::TryGet | Op::GetFor(_) => match self.values.pop_front() {
                Some(value) => Ret::Got(value),
                None if self.closed => Ret::Closed,
                None => Ret::Empty,
            },
            Op::IsEmpty => Ret::Is(self.values.is_empty()),
            Op::Close => {
                self.closed = true;
                Ret::Done
            }
            Op::IsClosed => Ret::Is(self.closed),
        }
    }

    fn is_valid_step(&mut self, op: &Op, ret: &Ret) -> bool {
        *ret == Ret::TimedOut || self.invoke(op) == *ret
    }
}

impl Target for Queue<u64> {
    type Op = Op;
    type Ret = Ret;
    type Model = QueueModel;
    type Shared = Handle<Queue<u64>>;
    type Guards<'a> = ();

    fn private() -> Self {
        Queue::bounded(CAPACITY).unwrap()
    }

    fn shared() -> Self::Shared {
        Handle(Self::private())
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        let mut next = 0..;
        let mut fresh = || next.next().expect("there are enough numbers");
        if rng.random() {
            return each(rng, workers, |rng, _| match rng.random_range(0..32) {
                0..8 => Op::TryPut(fresh()),
                8..14 => Op::PutFor(fresh(), rng.random()),
                14..22 => Op::TryGet,
                22..28 => Op::GetFor(rng.random()),
                28..30 => Op::IsEmpty,
                30 => Op::IsClosed,
                _ => Op::Close,
            });
        }
        // A worker that waits without a timeout only puts or only gets; as many values are put as got.
        let mut programs = vec![Vec::new(); workers];
        let producers = rng.random_range(1..workers);
        for value in 0..rng.random_range(4..=8) {
            programs[rng.random_range(0..producers)].push(Op::Put(value));
            programs[rng.random_range(producers..workers)].push(Op::Get);
        }
        programs
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        Some(match *op {
            Op::Put(value) => put(self.put(value)),
            Op::TryPut(value) => put(self.try_put(value)),
            Op::PutFor(value, micros) => put(self.put_for(value, timeout(micros))),
            Op::Get => got(self.get()),
            Op::TryGet => got(self.try_get()),
            Op::GetFor(micros) => got(self.get_for(timeout(micros))),
            Op::IsEmpty => Ret::Is(self.is_empty()),
            Op::Close => {
                self.close();
                Ret::Done
            }
            Op::IsClosed => Ret::Is(self.is_closed()),
        })
    }
}

pub(crate) fn put(result: Result<(), PutError<u64>>) -> Ret {
    match result {
        Ok(()) => Ret::Done,
        Err(PutError::Full(_)) => Ret::Full,
        Err(PutError::TimedOut(_)) => Ret::TimedOut,
        Err(PutError::Closed(_)) => Ret::Closed,
        Err(other) => panic!("a put failed: {other}"),
    }
}

pub(crate) fn got(result: Result<u64, GetError>) -> Ret {
    match result {
        Ok(value) => Ret::Got(value),
        Err(GetError::Empty) => Ret::Empty,
        Err(GetError::TimedOut) => Ret::TimedOut,
        Err(GetError::Closed) => Ret::Closed,
        Err(other) => panic!("a get failed: {other}"),
    }
}
