use multiproc::Queue;
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::Model;
use crate::model::queue::{GRANULE, Op, QueueModel, perform, view};
use crate::text::{Text, any_text};
use crate::wait::{any_wait, blocking_wait};

#[test]
fn agrees_with_its_model() {
    agrees::<Queue<Text>>();
}

impl Generate for QueueModel {
    fn initial() -> BoxedStrategy<Self> {
        (1..6usize, 1..100usize)
            .prop_map(|(capacity, bytes)| QueueModel::new(capacity, bytes))
            .boxed()
    }

    fn operations(&self, _: usize) -> BoxedStrategy<Op> {
        let put = match self.putting.first() {
            None => any_text(0..self.byte_capacity() + 2).boxed(),
            Some((_, text)) => prop_oneof![Just(*text), any_text(0..GRANULE)].boxed(),
        };
        prop_oneof![
            15 => (put, any_wait()).prop_map(|(text, wait)| Op::Put(text, wait)),
            13 => any_wait().prop_map(Op::Get),
            4 => Just(Op::TaskDone),
            3 => blocking_wait().prop_map(Op::Join),
            1 => Just(Op::Close),
        ]
        .boxed()
    }
}

impl Target for Queue<Text> {
    type Model = QueueModel;

    fn make(model: &QueueModel) -> Self {
        Queue::with_bytes(model.capacity, model.bytes).expect("there is memory for it")
    }

    fn run(self, worker: WorkerOf<QueueModel>) {
        worker.run(|op| perform(&self, &op));
    }

    fn view(&self) -> <QueueModel as Model>::View {
        view(self)
    }

    fn unblock(&self) {
        self.close();
        while self.task_done().is_ok() {}
    }
}
