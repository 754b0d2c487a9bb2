use std::fmt::{self, Debug};
use std::mem::replace;

use multiproc::{ArrayGuard, IndexOutOfRange, SharedArray, TryLockError, ValueTooLong};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::lock::{self, LockModel, Lockable, lockable};
use crate::model::number::{Exactly, Number};
use crate::model::{Model, Outcomes};
use crate::number::AnyNumber;
use crate::wait::Wait;

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

/// The elements, and the lock beside them.
#[derive(Clone)]
pub(crate) struct ArrayModel<T> {
    elements: Vec<T>,
    lock: LockModel<false>,
}

#[derive(Clone)]
pub(crate) enum Op<T> {
    Get(usize),
    Set(usize, T),
    Swap(usize, T),
    FetchAdd(usize, T),
    CompareExchange(usize, T, T),
    CopyToSlice(usize, usize),
    WriteSlice(usize, Vec<T>),
    SetValue(Vec<u8>),
    Lock(lock::Op),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret<E> {
    One(Result<E, IndexOutOfRange>),
    Exchanged(Result<Result<E, E>, IndexOutOfRange>),
    /// And the contents of the slice.
    Read(Result<(), IndexOutOfRange>, Vec<E>),
    Wrote(Result<(), IndexOutOfRange>),
    SetValue(Result<(), ValueTooLong>),
    Lock(lock::Ret),
}

fn exactly<T: Number>(elements: impl IntoIterator<Item = T>) -> Vec<Exactly<T>> {
    elements.into_iter().map(Exactly).collect()
}

/// A slice before it is read into.
fn blank<T: Number>(count: usize) -> Vec<T> {
    vec![T::of(99); count]
}

impl<T: Number> ArrayModel<T> {
    fn element(&mut self, index: usize) -> Result<&mut T, IndexOutOfRange> {
        let len = self.elements.len();
        self.elements.get_mut(index).ok_or(IndexOutOfRange { index, len })
    }

    fn slice(&mut self, start: usize, count: usize) -> Result<&mut [T], IndexOutOfRange> {
        let len = self.elements.len();
        let out_of_range = IndexOutOfRange { index: start.max(len), len };
        let end = start.checked_add(count).ok_or(out_of_range)?;
        self.elements.get_mut(start..end).ok_or(out_of_range)
    }

    fn apply_to_elements(&mut self, op: &Op<T>) -> Ret<Exactly<T>> {
        match *op {
            Op::Get(index) => Ret::One(self.element(index).map(|element| Exactly(*element))),
            Op::Set(index, value) => {
                Ret::Wrote(self.element(index).map(|element| *element = value))
            }
            Op::Swap(index, value) => {
                let old = self.element(index).map(|element| replace(element, value));
                Ret::One(old.map(Exactly))
            }
            Op::FetchAdd(index, more) => {
                let old = self.element(index).map(|element| {
                    let sum = element.plus(more);
                    replace(element, sum)
                });
                Ret::One(old.map(Exactly))
            }
            Op::CompareExchange(index, old, new) => {
                Ret::Exchanged(self.element(index).map(|element| {
                    if element.bits() == old.bits() {
                        Ok(Exactly(replace(element, new)))
                    } else {
                        Err(Exactly(*element))
                    }
                }))
            }
            Op::CopyToSlice(start, count) => match self.slice(start, count) {
                Ok(slice) => Ret::Read(Ok(()), exactly(slice.to_vec())),
                Err(out_of_range) => Ret::Read(Err(out_of_range), exactly(blank(count))),
            },
            Op::WriteSlice(start, ref from) => {
                let slice = self.slice(start, from.len());
                Ret::Wrote(slice.map(|slice| slice.copy_from_slice(from)))
            }
            Op::SetValue(ref value) => {
                let (size, max) = (value.len(), self.elements.len());
                if size > max {
                    return Ret::SetValue(Err(ValueTooLong { size, max }));
                }
                let ended = value.iter().chain(&[0]);
                self.elements.iter_mut().zip(ended).for_each(|(to, from)| *to = T::of(*from));
                Ret::SetValue(Ok(()))
            }
            Op::Lock(_) => unreachable!("the lock's operations are its own"),
        }
    }
}

impl<T: Number> Model for ArrayModel<T> {
    type Op = Op<T>;
    type Ret = Ret<Exactly<T>>;
    /// The length, whether it is 0, the elements, in reverse order, the text, and the `Debug` text.
    type View = (usize, bool, Vec<Exactly<T>>, Vec<Exactly<T>>, Option<Vec<u8>>, String);

    fn allows(&self, worker: usize, op: &Op<T>) -> bool {
        match op {
            Op::Lock(op) => self.lock.allows(worker, op),
            _ => true,
        }
    }

    fn apply(&mut self, worker: usize, op: &Op<T>, outcomes: &mut Outcomes<Self::Ret>) {
        match op {
            Op::Lock(op) => {
                outcomes.of(Ret::Lock, |outcomes| self.lock.apply(worker, op, outcomes));
            }
            op => outcomes.ret(worker, self.apply_to_elements(op)),
        }
    }

    fn view(&self) -> Self::View {
        let elements = || self.elements.iter().copied();
        let text = elements().map(|element| element.bits() as u8).take_while(|&byte| byte != 0);
        (
            self.elements.len(),
            false,
            exactly(elements()),
            exactly(elements().rev()),
            T::TEXT.map(|_| text.collect()),
            format!("{:?}", self.elements),
        )
    }
}

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

lockable! { <'a, T: Number> SharedArray<T> => ArrayGuard<'a>; }

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
        worker.run(|op| match op {
            Op::Get(index) => Ret::One(self.get(index).map(Exactly)),
            Op::Set(index, value) => Ret::Wrote(self.set(index, value)),
            Op::Swap(index, value) => Ret::One(self.swap(index, value).map(Exactly)),
            Op::FetchAdd(index, more) => Ret::One(self.fetch_add(index, more).map(Exactly)),
            Op::CompareExchange(index, old, new) => {
                let exchanged = self.compare_exchange(index, old, new);
                Ret::Exchanged(exchanged.map(|was| was.map(Exactly).map_err(Exactly)))
            }
            Op::CopyToSlice(start, count) => {
                let mut slice = blank(count);
                let read = self.copy_to_slice(start, &mut slice);
                Ret::Read(read, exactly(slice))
            }
            Op::WriteSlice(start, from) => Ret::Wrote(self.write_slice(start, &from)),
            Op::SetValue(value) => {
                let (_, set_value) = T::TEXT.expect("only bytes are a text");
                Ret::SetValue(set_value(&self, &value))
            }
            Op::Lock(op) => Ret::Lock(self.perform(&op, &mut guards)),
        });
    }

    fn view(&self) -> <ArrayModel<T> as Model>::View {
        let text = T::TEXT.map(|(value, _)| value(self));
        let (there, back) = (exactly(self.to_vec()), exactly(self.iter().rev()));
        (self.len(), self.is_empty(), there, back, text, format!("{self:?}"))
    }
}

impl<T: Debug> Debug for ArrayModel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedArray::new(&{:?})", self.elements)
    }
}

impl<T: Debug> Debug for Op<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Get(index) => write!(f, "get({index})"),
            Op::Set(index, value) => write!(f, "set({index}, {value:?})"),
            Op::Swap(index, value) => write!(f, "swap({index}, {value:?})"),
            Op::FetchAdd(index, more) => write!(f, "fetch_add({index}, {more:?})"),
            Op::CompareExchange(index, old, new) => {
                write!(f, "compare_exchange({index}, {old:?}, {new:?})")
            }
            Op::CopyToSlice(start, count) => write!(f, "copy_to_slice({start}, [_; {count}])"),
            Op::WriteSlice(start, from) => write!(f, "write_slice({start}, &{from:?})"),
            Op::SetValue(value) => write!(f, "set_value(&{value:?})"),
            Op::Lock(op) => op.fmt(f),
        }
    }
}
