//! Taking permits in every form, and giving them back one by one.
//!
//! * A refusal says no more than that: whoever takes a permit looks at the entries one after the
//!   other, and while it does, one may be freed where it has looked and one be taken where it will.
//! * `value` looks in the same way: a glance, not checked here.
//! * `release` of what was forgotten is a step for each, and so are `forget`s: not here.

use multiproc::{RobustPermit, RobustSemaphore, Shared};
use rand::Rng;
use rand::rngs::StdRng;
use stateright::semantics::SequentialSpec;

use crate::subjects::semaphore::{Op, Permits, Ret};
use crate::subjects::{Subject, each, length, shortly};

const PERMITS: u32 = 2;

#[derive(Clone, Default)]
pub(crate) struct Entries(Permits<PERMITS, PERMITS>);

impl SequentialSpec for Entries {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        self.0.invoke(op)
    }

    fn is_valid_step(&mut self, op: &Op, ret: &Ret) -> bool {
        *ret == Ret::Taken(false) || self.0.is_valid_step(op, ret)
    }
}

impl Subject for RobustSemaphore<{ PERMITS as usize }> {
    type Op = Op;
    type Ret = Ret;
    type Spec = Entries;
    type Shared = Shared<Self>;
    type Hands<'a> = Vec<RobustPermit<'a>>;

    fn private() -> Self {
        RobustSemaphore::new(PERMITS)
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    /// At the end everyone gives back as often as it may have taken.
    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        if rng.random() {
            let round = |_| [Op::Acquire, Op::Release(1)];
            return (0..actors).map(|_| (0..length(rng) / 2).flat_map(round).collect()).collect();
        }
        let mut programs = each(rng, actors, |rng, _| match rng.random_range(0..8) {
            0..3 => Op::TryAcquire,
            3 => Op::AcquireFor(rng.random()),
            _ => Op::Release(1),
        });
        programs.iter_mut().for_each(|ops| ops.extend(vec![Op::Release(1); ops.len()]));
        programs
    }

    fn perform<'a>(&'a self, hands: &mut Self::Hands<'a>, op: &Op) -> Option<Ret> {
        let permit = match *op {
            Op::Acquire => Some(self.acquire()),
            Op::TryAcquire => self.try_acquire(),
            Op::AcquireFor(micros) => self.acquire_for(shortly(micros)),
            Op::Release(_) => {
                drop(hands.pop()?);
                return Some(Ret::Given);
            }
            Op::Value => return Some(Ret::Value(self.value())),
        };
        let taken = permit.is_some();
        hands.extend(permit);
        Some(Ret::Taken(taken))
    }
}
