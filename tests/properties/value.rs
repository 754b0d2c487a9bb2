use std::marker::PhantomData;

use multiproc::Value;
use proptest::prelude::*;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::Model;
use crate::model::lock::LockModel;
use crate::model::value::{Op, ValueModel, perform, view};
use crate::number::AnyNumber;
use crate::place::{Place, in_both_places};

/// Tests a value of each type; arrays hold the other types in the same way.
macro_rules! of_each {
    ($($type:ident)*) => { $(
        mod $type {
            use super::*;

            in_both_places! { <Value<$type>>; agrees_with_its_model }

            fn agrees_with_its_model<P: Place<Value<$type>>>() {
                agrees::<ValueTarget<P, $type>>();
            }
        }
    )* };
}

of_each! { u8 i64 f32 }

impl<T: AnyNumber> Generate for ValueModel<T> {
    fn initial() -> BoxedStrategy<Self> {
        T::any().prop_map(|number| ValueModel { number, lock: LockModel::default() }).boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<Op<T>> {
        let present = prop_oneof![2 => Just(self.number), 1 => T::any()];
        prop_oneof![
            1 => Just(Op::Get),
            2 => T::any().prop_map(Op::Set),
            2 => T::any().prop_map(Op::Swap),
            2 => T::addend().prop_map(Op::FetchAdd),
            3 => (present, T::any()).prop_map(|(old, new)| Op::CompareExchange(old, new)),
            4 => self.lock.lock_operations(worker).prop_map(Op::Lock),
        ]
        .boxed()
    }
}

pub(crate) struct ValueTarget<P, T>(P, PhantomData<T>);

impl<P: Clone, T> Clone for ValueTarget<P, T> {
    fn clone(&self) -> Self {
        ValueTarget(self.0.clone(), PhantomData)
    }
}

impl<P: Place<Value<T>>, T: AnyNumber> Target for ValueTarget<P, T> {
    type Model = ValueModel<T>;

    fn make(model: &ValueModel<T>) -> Self {
        ValueTarget(P::of(Value::new(model.number)), PhantomData)
    }

    fn run(self, worker: WorkerOf<ValueModel<T>>) {
        let (value, mut guards): (&Value<T>, _) = (&self.0, Vec::new());
        worker.run(|op| perform(value, &op, &mut guards));
    }

    fn view(&self) -> <ValueModel<T> as Model>::View {
        view(&self.0)
    }
}
