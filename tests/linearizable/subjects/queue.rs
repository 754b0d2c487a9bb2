//! Putting and getting in every form, closing, and whether it is closed or empty.
//!
//! * `try_put` and `try_get` wait for those who hold their side's lock just now, and then say what
//!   is so at that moment.
//! * A timed form that ran out of time did nothing, and says no more than that: it may have spent
//!   all of it waiting for its side's lock, with room or values there all the time.
//! * `len` and `is_full` read two words one after the other, and may give a number that never was:
//!   a glance, not checked here. `is_empty` is right at one moment: that the two were the same when
//!   the second was read, or that something was put between.
//! * `task_done` and `join` count, and do not touch what is put and got: see models/queue.rs.

use std::collections::VecDeque;

use multiproc::{GetError, PutError, Queue};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::subjects::{Own, Subject, each, shortly};

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
pub(crate) struct Values {
    values: VecDeque<u64>,
    closed: bool,
}

impl SequentialSpec for Values {
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

impl Subject for Queue<u64> {
    type Op = Op;
    type Ret = Ret;
    type Spec = Values;
    type Shared = Own<Queue<u64>>;
    type Hands<'a> = ();

    fn private() -> Self {
        Queue::bounded(CAPACITY).unwrap()
    }

    fn shared() -> Self::Shared {
        Own(Self::private())
    }

    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        let mut next = 0..;
        let mut fresh = || next.next().expect("numbers do not run out");
        if rng.random() {
            return each(rng, actors, |rng, _| match rng.random_range(0..32) {
                0..8 => Op::TryPut(fresh()),
                8..14 => Op::PutFor(fresh(), rng.random()),
                14..22 => Op::TryGet,
                22..28 => Op::GetFor(rng.random()),
                28..30 => Op::IsEmpty,
                30 => Op::IsClosed,
                _ => Op::Close,
            });
        }
        // Who waits without a deadline only puts or only gets; as many are put as got.
        let mut programs = vec![Vec::new(); actors];
        let producers = rng.random_range(1..actors);
        for value in 0..rng.random_range(4..=8) {
            programs[rng.random_range(0..producers)].push(Op::Put(value));
            programs[rng.random_range(producers..actors)].push(Op::Get);
        }
        programs
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        Some(match *op {
            Op::Put(value) => put(self.put(value)),
            Op::TryPut(value) => put(self.try_put(value)),
            Op::PutFor(value, micros) => put(self.put_for(value, shortly(micros))),
            Op::Get => got(self.get()),
            Op::TryGet => got(self.try_get()),
            Op::GetFor(micros) => got(self.get_for(shortly(micros))),
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
        Err(other) => panic!("a number is put: {other}"),
    }
}

pub(crate) fn got(result: Result<u64, GetError>) -> Ret {
    match result {
        Ok(value) => Ret::Got(value),
        Err(GetError::Empty) => Ret::Empty,
        Err(GetError::TimedOut) => Ret::TimedOut,
        Err(GetError::Closed) => Ret::Closed,
        Err(other) => panic!("a number is got: {other}"),
    }
}
