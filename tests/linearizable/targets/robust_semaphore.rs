//! Every form of acquire, and the drop of permits.
//!
//! * A refusal says nothing about the state: an acquire reads the entries one after the other, and
//!   meanwhile one may be freed that it has read and one be acquired that it has not.
//! * `value` reads in the same way: not checked.
//! * `release` of forgotten permits is one step for each, and so is `forget`: not checked.

use multiproc::{RobustPermit, RobustSemaphore, Shared};
use rand::Rng;
use rand::rngs::StdRng;
use stateright::semantics::SequentialSpec;

use crate::targets::semaphore::{Op, Ret, SemaphoreModel};
use crate::targets::{Target, each, length, timeout};

const PERMITS: u32 = 2;

#[derive(Clone, Default)]
pub(crate) struct RobustSemaphoreModel(SemaphoreModel<PERMITS, PERMITS>);

impl SequentialSpec for RobustSemaphoreModel {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        self.0.invoke(op)
    }

    fn is_valid_step(&mut self, op: &Op, ret: &Ret) -> bool {
        *ret == Ret::Acquired(false) || self.0.is_valid_step(op, ret)
    }
}

impl Target for RobustSemaphore<{ PERMITS as usize }> {
    type Op = Op;
    type Ret = Ret;
    type Model = RobustSemaphoreModel;
    type Shared = Shared<Self>;
    type Guards<'a> = Vec<RobustPermit<'a>>;

    fn private() -> Self {
        RobustSemaphore::new(PERMITS)
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    /// At the end each worker releases as often as it may have acquired.
    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        if rng.random() {
            let round = |_| [Op::Acquire, Op::Release(1)];
            return (0..workers).map(|_| (0..length(rng) / 2).flat_map(round).collect()).collect();
        }
        let mut programs = each(rng, workers, |rng, _| match rng.random_range(0..8) {
            0..3 => Op::TryAcquire,
            3 => Op::AcquireFor(rng.random()),
            _ => Op::Release(1),
        });
        programs.iter_mut().for_each(|ops| ops.extend(vec![Op::Release(1); ops.len()]));
        programs
    }

    fn perform<'a>(&'a self, guards: &mut Self::Guards<'a>, op: &Op) -> Option<Ret> {
        let permit = match *op {
            Op::Acquire => Some(self.acquire()),
            Op::TryAcquire => self.try_acquire(),
            Op::AcquireFor(micros) => self.acquire_for(timeout(micros)),
            Op::Release(_) => {
                drop(guards.pop()?);
                return Some(Ret::Released);
            }
            Op::Value => return Some(Ret::Value(self.value())),
        };
        let acquired = permit.is_some();
        guards.extend(permit);
        Some(Ret::Acquired(acquired))
    }
}
