use multiproc::Barrier;
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::WORKERS;
use crate::model::barrier::{BarrierModel, Op, perform, view};
use crate::place::{Place, in_both_places};
use crate::wait::blocking_wait;

in_both_places! { <Barrier>; agrees_with_its_model }

fn agrees_with_its_model<P: Place<Barrier>>() {
    agrees::<BarrierTarget<P>>();
}

impl Generate for BarrierModel {
    fn initial() -> BoxedStrategy<Self> {
        (1..WORKERS + 2).prop_map(BarrierModel::new).boxed()
    }

    fn operations(&self, _: usize) -> BoxedStrategy<Op> {
        prop_oneof![
            8 => blocking_wait().prop_map(Op::Wait),
            4 => any::<bool>().prop_map(Op::WaitThen),
            1 => Just(Op::Abort),
            if self.broken.is_some() { 12 } else { 1 } => Just(Op::Reset),
        ]
        .boxed()
    }
}

#[derive(Clone)]
pub(crate) struct BarrierTarget<P>(P);

impl<P: Place<Barrier>> Target for BarrierTarget<P> {
    type Model = BarrierModel;

    fn make(model: &BarrierModel) -> Self {
        BarrierTarget(P::of(Barrier::new(model.parties as u32)))
    }

    fn run(self, worker: WorkerOf<BarrierModel>) {
        worker.run(|op| perform(&self.0, &op));
    }

    fn view(&self) -> (usize, usize, bool) {
        view(&self.0)
    }

    fn unblock(&self) {
        self.0.abort();
    }
}
