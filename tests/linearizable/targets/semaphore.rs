//! The semaphores: every operation, except `acquire_until`, which is `acquire_for` with another
//! argument. A permit is always forgotten, and returned by a release: these semaphores do not know
//! their holders.

use multiproc::{BoundedSemaphore, Semaphore, Shared};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::targets::{Target, each, length, timeout};

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
    Acquired(bool),
    Released,
    Overflow,
    Value(u32),
}

/// The number of permits: `FRESH` at first, `LIMIT` at most.
#[derive(Clone)]
pub(crate) struct SemaphoreModel<const FRESH: u32, const LIMIT: u32>(u32);

impl<const FRESH: u32, const LIMIT: u32> Default for SemaphoreModel<FRESH, LIMIT> {
    fn default() -> Self {
        SemaphoreModel(FRESH)
    }
}

impl<const FRESH: u32, const LIMIT: u32> SequentialSpec for SemaphoreModel<FRESH, LIMIT> {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::Acquire | Op::TryAcquire | Op::AcquireFor(_) => {
                let left = self.0.checked_sub(1);
                self.0 = left.unwrap_or(0);
                Ret::Acquired(left.is_some())
            }
            Op::Release(permits) if self.0 + permits > LIMIT => Ret::Overflow,
            Op::Release(permits) => {
                self.0 += permits;
                Ret::Released
            }
            Op::Value => Ret::Value(self.0),
        }
    }
}

fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
    if rng.random() {
        return each(rng, workers, |rng, _| match rng.random_range(0..9) {
            0..3 => Op::TryAcquire,
            3..5 => Op::AcquireFor(rng.random()),
            5..8 => Op::Release(rng.random_range(1..=2)),
            _ => Op::Value,
        });
    }
    // A worker that waits without a timeout releases what it acquired before it waits again.
    let round = |_| [Op::Acquire, Op::Release(1)];
    let whole = |rng: &mut StdRng| (0..length(rng) / 2).flat_map(round).collect::<Vec<_>>();
    let mut programs: Vec<_> = (0..workers).map(|_| whole(rng)).collect();
    programs.iter_mut().for_each(|ops| ops.insert(rng.random_range(0..ops.len()), Op::Value));
    programs
}

/// The two semaphores have the same operations.
macro_rules! targets {
    ($($type:ident: $fresh:literal, at most $limit:expr;)*) => { $(
        impl Target for $type {
            type Op = Op;
            type Ret = Ret;
            type Model = SemaphoreModel<$fresh, { $limit }>;
            type Shared = Shared<$type>;
            type Guards<'a> = ();

            fn private() -> Self {
                $type::new($fresh)
            }

            fn shared() -> Self::Shared {
                Shared::new(Self::private()).unwrap()
            }

            fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
                programs(rng, workers)
            }

            fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
                let permit = match *op {
                    Op::Acquire => Some(self.acquire()),
                    Op::TryAcquire => self.try_acquire(),
                    Op::AcquireFor(micros) => self.acquire_for(timeout(micros)),
                    Op::Release(permits) => {
                        let released = self.release(permits);
                        return Some(released.map_or(Ret::Overflow, |()| Ret::Released));
                    }
                    Op::Value => return Some(Ret::Value(self.value())),
                };
                Some(Ret::Acquired(permit.map(|permit| permit.forget()).is_some()))
            }
        }
    )* };
}

targets! {
    Semaphore: 1, at most Semaphore::MAX;
    BoundedSemaphore: 2, at most 2;
}
