//! What only seems to work: each must be caught. Where it is a matter of a few instructions, others
//! are let in there, so that it is caught on a busy machine too.

use std::thread::yield_now;

use multiproc::{Queue, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};

use crate::subjects::queue::{CAPACITY, Op, Ret, Values, got, put};
use crate::subjects::semaphore::{self, Permits};
use crate::subjects::{Own, Subject, each};

/// Putting and getting without waiting, and nothing else.
fn tries(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
    let mut next = 0..;
    each(rng, actors, |rng, _| match rng.random() {
        true => Op::TryPut(next.next().expect("numbers do not run out")),
        false => Op::TryGet,
    })
}

/// Two queues, each of them sound: what is put into one overtakes what was put into the other.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct TwoLanes([Queue<u64>; 2]);

impl Subject for TwoLanes {
    type Op = Op;
    type Ret = Ret;
    type Spec = Values;
    type Shared = Own<TwoLanes>;
    type Hands<'a> = ();

    fn private() -> Self {
        TwoLanes([(); 2].map(|()| Queue::bounded(CAPACITY / 2).unwrap()))
    }

    fn shared() -> Self::Shared {
        Own(Self::private())
    }

    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        tries(rng, actors)
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

/// A ring whose every word is an atomic, but whose getting is a look and then a step: two may look
/// before either steps. (Putting is one at a time.)
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LooksThenSteps(SharedArray<u64>);

const TAIL: usize = CAPACITY;
const HEAD: usize = CAPACITY + 1;

impl Subject for LooksThenSteps {
    type Op = Op;
    type Ret = Ret;
    type Spec = Values;
    type Shared = Own<LooksThenSteps>;
    type Hands<'a> = ();

    fn private() -> Self {
        LooksThenSteps(SharedArray::zeroed(CAPACITY + 2).unwrap())
    }

    fn shared() -> Self::Shared {
        Own(Self::private())
    }

    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        tries(rng, actors)
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        let ring = &self.0;
        let at = |place| ring.get(place).expect("it is there");
        let write = |place, value| ring.set(place, value).expect("it is there");
        let slot = |count| (count % CAPACITY as u64) as usize;
        Some(match *op {
            Op::TryPut(value) => {
                let _guard = ring.lock().expect("nobody dies here");
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

/// A semaphore that looks whether there is a permit, and then takes it.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct LooksThenTakes(SharedArray<u64>);

impl Subject for LooksThenTakes {
    type Op = semaphore::Op;
    type Ret = semaphore::Ret;
    type Spec = Permits<1, { u32::MAX }>;
    type Shared = Own<LooksThenTakes>;
    type Hands<'a> = ();

    fn private() -> Self {
        LooksThenTakes(SharedArray::new(&[1]).unwrap())
    }

    fn shared() -> Self::Shared {
        Own(Self::private())
    }

    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Self::Op>> {
        // Few: one permit is as good as another, so that hardly an order is wrong before its end.
        let mut one = || match rng.random() {
            true => semaphore::Op::TryAcquire,
            false => semaphore::Op::Release(1),
        };
        (0..actors).map(|_| (0..3).map(|_| one()).collect()).collect()
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
                semaphore::Ret::Taken(seen > 0)
            }
            _ => {
                permits.fetch_add(0, 1).expect("it is there");
                semaphore::Ret::Given
            }
        })
    }
}
