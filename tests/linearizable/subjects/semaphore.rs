//! Every operation of the semaphore but the deadline forms, which are the timed ones.
//!
//! A release of several permits is only promised to be a step for each (with nobody asleep it is
//! one): others may come in between.

use multiproc::{Semaphore, Shared};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::subjects::{Subject, each, length, shortly};

/// When it is fresh.
pub(crate) const PERMITS: u32 = 1;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Acquire,
    TryAcquire,
    AcquireFor(u8),
    Release(u32),
    Value,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ret {
    Taken(bool),
    Given,
    Value(u32),
}

#[derive(Clone)]
pub(crate) struct Permits(u32);

impl Default for Permits {
    fn default() -> Self {
        Permits(PERMITS)
    }
}

impl SequentialSpec for Permits {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::Acquire | Op::TryAcquire | Op::AcquireFor(_) => match self.0.checked_sub(1) {
                Some(left) => {
                    self.0 = left;
                    Ret::Taken(true)
                }
                None => Ret::Taken(false),
            },
            Op::Release(permits) => {
                self.0 += permits;
                Ret::Given
            }
            Op::Value => Ret::Value(self.0),
        }
    }
}

impl Subject for Semaphore {
    type Op = Op;
    type Ret = Ret;
    type Spec = Permits;
    type Shared = Shared<Semaphore>;
    type Hands<'a> = ();

    fn private() -> Self {
        Semaphore::new(PERMITS)
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        if rng.random() {
            return each(rng, actors, |rng, _| match rng.random_range(0..9) {
                0..3 => Op::TryAcquire,
                3..5 => Op::AcquireFor(rng.random()),
                5..8 => Op::Release(rng.random_range(1..=2)),
                _ => Op::Value,
            });
        }
        // Who waits without a deadline gives back what it got, and waits with nothing in hand.
        let round = |_| [Op::Acquire, Op::Release(1)];
        let whole = |rng: &mut StdRng| (0..length(rng) / 2).flat_map(round).collect::<Vec<_>>();
        let mut programs: Vec<_> = (0..actors).map(|_| whole(rng)).collect();
        programs.iter_mut().for_each(|ops| ops.insert(rng.random_range(0..ops.len()), Op::Value));
        programs
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        Some(match *op {
            Op::Acquire => {
                self.acquire().forget();
                Ret::Taken(true)
            }
            Op::TryAcquire => Ret::Taken(self.try_acquire().map(|one| one.forget()).is_some()),
            Op::AcquireFor(micros) => {
                Ret::Taken(self.acquire_for(shortly(micros)).map(|one| one.forget()).is_some())
            }
            Op::Release(permits) => {
                self.release(permits).expect("far from full");
                Ret::Given
            }
            Op::Value => Ret::Value(self.value()),
        })
    }

    fn steps(op: &Op, ret: &Ret) -> Vec<(Op, Ret)> {
        match *op {
            Op::Release(permits) => vec![(Op::Release(1), ret.clone()); permits as usize],
            _ => vec![(op.clone(), ret.clone())],
        }
    }
}
