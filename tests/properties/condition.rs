use multiproc::{Condition, Lock};
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::condition::{ConditionModel, Op, opened, perform};
use crate::place::{Place, in_both_places};
use crate::wait::blocking_wait;

in_both_places! { <(Lock<u8>, Condition)>; agrees_with_its_model }

fn agrees_with_its_model<P: Place<(Lock<u8>, Condition)>>() {
    agrees::<ConditionTarget<P>>();
}

impl Generate for ConditionModel {
    fn initial() -> BoxedStrategy<Self> {
        Just(ConditionModel::default()).boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<Op> {
        let owns = self.owner == Some(worker);
        let free = self.owner.is_none();
        let weight = |can: bool, weight| if can { weight } else { 0 };
        let value = 0..3u8;
        prop_oneof![
            weight(free, 30) => Just(Op::Lock),
            weight(owns, 10) => Just(Op::Unlock),
            weight(owns, 1) => Just(Op::Panic),
            weight(owns, 5) => value.clone().prop_map(Op::Write),
            weight(owns, 16) => blocking_wait().prop_map(Op::Wait),
            weight(owns, 10) => (value, blocking_wait())
                .prop_map(|(value, wait)| Op::WaitWhile(value, wait)),
            1 => Just(Op::ClearPoison),
            4 => Just(Op::NotifyOne),
            4 => (0..4u32).prop_map(Op::Notify),
            2 => Just(Op::NotifyAll),
        ]
        .boxed()
    }
}

#[derive(Clone)]
pub(crate) struct ConditionTarget<P>(P);

impl<P: Place<(Lock<u8>, Condition)>> Target for ConditionTarget<P> {
    type Model = ConditionModel;

    fn make(_: &ConditionModel) -> Self {
        ConditionTarget(P::of((Lock::new(0), Condition::new())))
    }

    fn run(self, worker: WorkerOf<ConditionModel>) {
        let (lock, condition) = &*self.0;
        let mut held = None;
        worker.run(|op| perform((lock, condition), &op, &mut held));
    }

    fn view(&self) {}

    fn unblock(&self) {
        let (lock, condition) = &*self.0;
        // No worker waits while the value is this one.
        *opened(lock.lock()).0 = u8::MAX;
        condition.notify_all();
    }
}
