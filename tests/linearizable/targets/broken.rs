//! Broken primitives, which must be detected. Where the race is a few instructions long, the worker
//! yields there, so that it is detected on a busy machine too.

use std::thread::yield_now;

use multiproc::{Queue, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::targets::queue::{CAPACITY, Op, QueueModel, Ret, got, put};
use crate::targets::semaphore::{self, SemaphoreModel};
use crate::targets::{Handle, Target, each};

/// Programs of `try_put` and `try_get` only.
fn tries(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
    let mut next = 0..;
    each(rng, workers, |rng, _| match rng.random() {
        true => Op::TryPut(next.next().expect("there are enough numbers")),
        false => Op::TryGet,
    })
}

/// Two correct queues used as one: a value in one overtakes a value in the other.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TwoQueues([Queue<u64>; 2]);

impl Target for TwoQueues {
    type Op = Op;
    type Ret = Ret;
    type Model = QueueModel;
    type Shared = Handle<TwoQueues>;
    type Guards<'a> = ();

    fn private() -> Self {
        TwoQueues([(); 2].map(|()| Queue::bounded(CAPACITY / 2).unwrap()))
    }

    fn shared() -> Self::Shared {
        Handle(Self::private())
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        tries(rng, workers)
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        let [first, second] = &self.0;
        Some(match *op {
            Op::TryPut(value) => match put(first.try_put(value)) {
                Ret::Full => put(second.try_put(value)),
                done => done,
            },
            _ => match got(first.try_get()) {
                Ret::Empty => got(second.try_get()),
                got => got,
            },
        })
    }
}

/// A ring of atomics, whose `try_get` reads the head and then writes it: two workers may read before
/// either writes. (`try_put` is under a lock.)
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReadThenAdvance(SharedArray<u64>);

const TAIL: usize = CAPACITY;
const HEAD: usize = CAPACITY + 1;

impl Target for ReadThenAdvance {
    type Op = Op;
    type Ret = Ret;
    type Model = QueueModel;
    type Shared = Handle<ReadThenAdvance>;
    type Guards<'a> = ();

    fn private() -> Self {
        ReadThenAdvance(SharedArray::zeroed(CAPACITY + 2).unwrap())
    }

    fn shared() -> Self::Shared {
        Handle(Self::private())
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        tries(rng, workers)
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        let ring = &self.0;
        let at = |place| ring.get(place).expect("it is there");
        let write = |place, value| ring.set(place, value).expect("it is there");
        let slot = |count| (count % CAPACITY as u64) as usize;
        Some(match *op {
            Op::TryPut(value) => {
                let _guard = ring.lock().expect("no owner dies here");
                let tail = at(TAIL);
                if tail - at(HEAD) == CAPACITY as u64 {
                    return Some(Ret::Full);
                }
                write(slot(tail), value);
                write(TAIL, tail + 1);
                Ret::Done
            }
            _ => {
                let head = at(HEAD);
                if head == at(TAIL) {
                    return Some(Ret::Empty);
                }
                let value = at(slot(head));
                yield_now();
                write(HEAD, head + 1);
                Ret::Got(value)
            }
        })
    }
}

/// A semaphore that reads the number of permits, and then writes it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct ReadThenDecrement(SharedArray<u64>);

impl Target for ReadThenDecrement {
    type Op = semaphore::Op;
    type Ret = semaphore::Ret;
    type Model = SemaphoreModel<1, { u32::MAX }>;
    type Shared = Handle<ReadThenDecrement>;
    type Guards<'a> = ();

    fn private() -> Self {
        ReadThenDecrement(SharedArray::new(&[1]).unwrap())
    }

    fn shared() -> Self::Shared {
        Handle(Self::private())
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Self::Op>> {
        // Few: permits are alike, so that a search tries almost every order before it fails.
        let mut one = || match rng.random() {
            true => semaphore::Op::TryAcquire,
            false => semaphore::Op::Release(1),
        };
        (0..workers).map(|_| (0..3).map(|_| one()).collect()).collect()
    }

    fn perform(&self, (): &mut (), op: &Self::Op) -> Option<Self::Ret> {
        let permits = &self.0;
        Some(match op {
            semaphore::Op::TryAcquire => {
                let seen = permits.get(0).expect("it is there");
                if seen > 0 {
                    yield_now();
                    permits.set(0, seen - 1).expect("it is there");
                }
                semaphore::Ret::Acquired(seen > 0)
            }
            _ => {
                permits.fetch_add(0, 1).expect("it is there");
                semaphore::Ret::Released
            }
        })
    }
}
