use multiproc::SharedArray;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::Model;
use crate::model::lock::LockModel;
use crate::model::shared_array::{ArrayModel, Op, perform, view};
use crate::number::AnyNumber;

/// Tests an array of each type.
macro_rules! of_each {
    ($($type:ident)*) => { $(
        #[test]
        fn $type() {
            agrees::<SharedArray<$type>>();
        }
    )* };
}

of_each! { u8 u16 u32 u64 i8 i16 i32 i64 f32 f64 }

impl<T: AnyNumber> Generate for ArrayModel<T> {
    fn initial() -> BoxedStrategy<Self> {
        let elements =
            prop_oneof![4 => vec(T::any(), 1..7), 1 => (1..7usize).prop_map(|n| vec![T::of(0); n])];
        elements.prop_map(|elements| ArrayModel { elements, lock: LockModel::default() }).boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<Op<T>> {
        let index = || prop_oneof![20 => 0..self.elements.len() + 2, 1 => Just(usize::MAX)];
        let present = prop_oneof![2 => select(self.elements.clone()), 1 => T::any()];
        let value = vec(prop_oneof![1 => Just(0), 4 => any::<u8>()], 0..self.elements.len() + 2);
        prop_oneof![
            2 => index().prop_map(Op::Get),
            2 => (index(), T::any()).prop_map(|(at, value)| Op::Set(at, value)),
            2 => (index(), T::any()).prop_map(|(at, value)| Op::Swap(at, value)),
            2 => (index(), T::addend()).prop_map(|(at, more)| Op::FetchAdd(at, more)),
            3 => (index(), present, T::any())
                .prop_map(|(at, old, new)| Op::CompareExchange(at, old, new)),
            2 => (index(), 0..5usize).prop_map(|(start, count)| Op::CopyToSlice(start, count)),
            2 => (index(), vec(T::any(), 0..5))
                .prop_map(|(start, from)| Op::WriteSlice(start, from)),
            4 => self.lock.lock_operations(worker).prop_map(Op::Lock),
            if T::TEXT.is_some() { 2 } else { 0 } => value.prop_map(Op::SetValue),
        ]
        .boxed()
    }
}

impl<T: AnyNumber> Target for SharedArray<T> {
    type Model = ArrayModel<T>;

    fn make(model: &ArrayModel<T>) -> Self {
        let elements = &model.elements;
        let made = match elements.len() {
            len if elements.iter().all(|element| element.bits() == 0) => SharedArray::zeroed(len),
            len if len % 2 == 0 => SharedArray::new(elements),
            _ => SharedArray::from_iter(elements.iter().copied()),
        };
        made.expect("there is memory for it")
    }

    fn run(self, worker: WorkerOf<ArrayModel<T>>) {
        let mut guards = Vec::new();
        worker.run(|op| perform(&self, &op, &mut guards));
    }

    fn view(&self) -> <ArrayModel<T> as Model>::View {
        view(self)
    }
}
