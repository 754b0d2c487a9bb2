use multiproc::Event;
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::event::{EventModel, Op, perform};
use crate::place::{Place, in_both_places};
use crate::wait::blocking_wait;

in_both_places! { <Event>; agrees_with_its_model }

fn agrees_with_its_model<P: Place<Event>>() {
    agrees::<EventTarget<P>>();
}

impl Generate for EventModel {
    fn initial() -> BoxedStrategy<Self> {
        Just(EventModel::default()).boxed()
    }

    fn operations(&self, _: usize) -> BoxedStrategy<Op> {
        prop_oneof![
            1 => Just(Op::Set),
            1 => Just(Op::Clear),
            1 => Just(Op::Pulse),
            4 => blocking_wait().prop_map(Op::Wait),
        ]
        .boxed()
    }
}

#[derive(Clone)]
pub(crate) struct EventTarget<P>(P);

impl<P: Place<Event>> Target for EventTarget<P> {
    type Model = EventModel;

    fn make(_: &EventModel) -> Self {
        EventTarget(P::of(Event::new()))
    }

    fn run(self, worker: WorkerOf<EventModel>) {
        worker.run(|op| perform(&self.0, &op));
    }

    fn view(&self) -> bool {
        self.0.is_set()
    }

    fn unblock(&self) {
        self.0.set();
    }
}
