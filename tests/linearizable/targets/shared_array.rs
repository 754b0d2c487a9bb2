//! Every operation on one element, for two elements: each is linearizable, so both together must be.
//!
//! Not checked: copies of several elements, which are not atomic; the array's lock, which is a `Lock`.

use multiproc::SharedArray;
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::targets::{Handle, Target, each};

const LEN: usize = 2;

/// Each with the index of its element.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Get(usize),
    Set(usize, u64),
    Swap(usize, u64),
    FetchAdd(usize, u64),
    CompareExchange(usize, u64, u64),
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ret {
    Done,
    Was(u64),
    Exchanged(Result<u64, u64>),
}

/// `N` elements, zero at first.
#[derive(Clone)]
pub(crate) struct ArrayModel<const N: usize>([u64; N]);

impl<const N: usize> Default for ArrayModel<N> {
    fn default() -> Self {
        ArrayModel([0; N])
    }
}

impl<const N: usize> SequentialSpec for ArrayModel<N> {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        let (Op::Get(i)
        | Op::Set(i, _)
        | Op::Swap(i, _)
        | Op::FetchAdd(i, _)
        | Op::CompareExchange(i, ..)) = *op;
        let element = &mut self.0[i];
        let was = *element;
        match *op {
            Op::Get(_) => {}
            Op::Set(_, new) => {
                *element = new;
                return Ret::Done;
            }
            Op::Swap(_, new) => *element = new,
            Op::FetchAdd(_, more) => *element += more,
            Op::CompareExchange(_, old, new) => {
                if was != old {
                    return Ret::Exchanged(Err(was));
                }
                *element = new;
                return Ret::Exchanged(Ok(old));
            }
        }
        Ret::Was(was)
    }
}

/// With few different numbers, so that exchanges succeed.
pub(crate) fn programs<const N: usize>(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
    each(rng, workers, |rng, _| {
        let (i, small) = (rng.random_range(0..N), rng.random_range(0..3));
        match rng.random_range(0..7) {
            0..2 => Op::Get(i),
            2 => Op::Set(i, small),
            3 => Op::Swap(i, small),
            4..6 => Op::FetchAdd(i, 1),
            _ => Op::CompareExchange(i, small, small + 1),
        }
    })
}

impl Target for SharedArray<u64> {
    type Op = Op;
    type Ret = Ret;
    type Model = ArrayModel<LEN>;
    type Shared = Handle<SharedArray<u64>>;
    type Guards<'a> = ();

    fn private() -> Self {
        SharedArray::zeroed(LEN).unwrap()
    }

    fn shared() -> Self::Shared {
        Handle(Self::private())
    }

    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        programs::<LEN>(rng, workers)
    }

    fn perform(&self, (): &mut (), op: &Op) -> Option<Ret> {
        let ret = match *op {
            Op::Get(i) => self.get(i).map(Ret::Was),
            Op::Set(i, new) => self.set(i, new).map(|()| Ret::Done),
            Op::Swap(i, new) => self.swap(i, new).map(Ret::Was),
            Op::FetchAdd(i, more) => self.fetch_add(i, more).map(Ret::Was),
            Op::CompareExchange(i, old, new) => {
                self.compare_exchange(i, old, new).map(Ret::Exchanged)
            }
        };
        Some(ret.expect("the index is there"))
    }
}
