use std::fmt::{self, Debug};
use std::mem::replace;

use multiproc::{ArrayGuard, IndexOutOfRange, SharedArray, TryLockError, ValueTooLong};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use crate::lock::{self, Locks, Owned, locks};
use crate::model::{Answers, Model, SeatOf, Subject, agrees};
use crate::number::{Exactly, Number};
use crate::wait::Wait;

/// Plays with an array of each type.
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
pub(crate) struct Elements<T> {
    elements: Vec<T>,
    lock: Owned<false>,
}

#[derive(Clone)]
pub(crate) enum Call<T> {
    Get(usize),
    Set(usize, T),
    Swap(usize, T),
    FetchAdd(usize, T),
    CompareExchange(usize, T, T),
    CopyToSlice(usize, usize),
    WriteSlice(usize, Vec<T>),
    SetValue(Vec<u8>),
    Lock(lock::Call),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer<E> {
    One(Result<E, IndexOutOfRange>),
    Exchanged(Result<Result<E, E>, IndexOutOfRange>),
    /// And what is in the slice then.
    Read(Result<(), IndexOutOfRange>, Vec<E>),
    Wrote(Result<(), IndexOutOfRange>),
    SetValue(Result<(), ValueTooLong>),
    Lock(lock::Answer),
}

fn exactly<T: Number>(elements: impl IntoIterator<Item = T>) -> Vec<Exactly<T>> {
    elements.into_iter().map(Exactly).collect()
}

/// What is in a slice before it is read into.
fn blank<T: Number>(count: usize) -> Vec<T> {
    vec![T::of(99); count]
}

impl<T: Number> Elements<T> {
    fn element(&mut self, index: usize) -> Result<&mut T, IndexOutOfRange> {
        let len = self.elements.len();
        self.elements.get_mut(index).ok_or(IndexOutOfRange { index, len })
    }

    fn slice(&mut self, start: usize, count: usize) -> Result<&mut [T], IndexOutOfRange> {
        let len = self.elements.len();
        let missing = IndexOutOfRange { index: start.max(len), len };
        let end = start.checked_add(count).ok_or(missing)?;
        self.elements.get_mut(start..end).ok_or(missing)
    }

    fn answer(&mut self, call: &Call<T>) -> Answer<Exactly<T>> {
        match *call {
            Call::Get(index) => Answer::One(self.element(index).map(|element| Exactly(*element))),
            Call::Set(index, value) => {
                Answer::Wrote(self.element(index).map(|element| *element = value))
            }
            Call::Swap(index, value) => {
                let old = self.element(index).map(|element| replace(element, value));
                Answer::One(old.map(Exactly))
            }
            Call::FetchAdd(index, more) => {
                let old = self.element(index).map(|element| {
                    let sum = element.plus(more);
                    replace(element, sum)
                });
                Answer::One(old.map(Exactly))
            }
            Call::CompareExchange(index, old, new) => {
                Answer::Exchanged(self.element(index).map(|element| {
                    if element.bits() == old.bits() {
                        Ok(Exactly(replace(element, new)))
                    } else {
                        Err(Exactly(*element))
                    }
                }))
            }
            Call::CopyToSlice(start, count) => match self.slice(start, count) {
                Ok(slice) => Answer::Read(Ok(()), exactly(slice.to_vec())),
                Err(missing) => Answer::Read(Err(missing), exactly(blank(count))),
            },
            Call::WriteSlice(start, ref from) => {
                let slice = self.slice(start, from.len());
                Answer::Wrote(slice.map(|slice| slice.copy_from_slice(from)))
            }
            Call::SetValue(ref value) => {
                let (size, max) = (value.len(), self.elements.len());
                if size > max {
                    return Answer::SetValue(Err(ValueTooLong { size, max }));
                }
                let ended = value.iter().chain(&[0]);
                self.elements.iter_mut().zip(ended).for_each(|(to, from)| *to = T::of(*from));
                Answer::SetValue(Ok(()))
            }
            Call::Lock(_) => unreachable!("the lock answers for itself"),
        }
    }
}

impl<T: Number> Model for Elements<T> {
    type Call = Call<T>;
    type Answer = Answer<Exactly<T>>;
    /// How many, whether that is none, which, from behind, the text, and how they show themselves.
    type View = (usize, bool, Vec<Exactly<T>>, Vec<Exactly<T>>, Option<Vec<u8>>, String);

    fn begin() -> BoxedStrategy<Self> {
        let elements =
            prop_oneof![4 => vec(T::any(), 1..7), 1 => (1..7usize).prop_map(|n| vec![T::of(0); n])];
        elements.prop_map(|elements| Elements { elements, lock: Owned::default() }).boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<Call<T>> {
        let index = || prop_oneof![20 => 0..self.elements.len() + 2, 1 => Just(usize::MAX)];
        let present = prop_oneof![2 => select(self.elements.clone()), 1 => T::any()];
        let value = vec(prop_oneof![1 => Just(0), 4 => any::<u8>()], 0..self.elements.len() + 2);
        prop_oneof![
            2 => index().prop_map(Call::Get),
            2 => (index(), T::any()).prop_map(|(at, value)| Call::Set(at, value)),
            2 => (index(), T::any()).prop_map(|(at, value)| Call::Swap(at, value)),
            2 => (index(), T::addend()).prop_map(|(at, more)| Call::FetchAdd(at, more)),
            3 => (index(), present, T::any())
                .prop_map(|(at, old, new)| Call::CompareExchange(at, old, new)),
            2 => (index(), 0..5usize).prop_map(|(start, count)| Call::CopyToSlice(start, count)),
            2 => (index(), vec(T::any(), 0..5))
                .prop_map(|(start, from)| Call::WriteSlice(start, from)),
            4 => self.lock.lock_calls(seat).prop_map(Call::Lock),
            if T::TEXT.is_some() { 2 } else { 0 } => value.prop_map(Call::SetValue),
        ]
        .boxed()
    }

    fn may(&self, seat: usize, call: &Call<T>) -> bool {
        match call {
            Call::Lock(call) => self.lock.may(seat, call),
            _ => true,
        }
    }

    fn play(&mut self, seat: usize, call: &Call<T>, answers: &mut Answers<Self::Answer>) {
        match call {
            Call::Lock(call) => {
                answers.of(Answer::Lock, |answers| self.lock.play(seat, call, answers));
            }
            call => answers.give(seat, self.answer(call)),
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

locks! { <'a, T: Number> SharedArray<T> => ArrayGuard<'a> }

impl<T: Number> Subject for SharedArray<T> {
    type Model = Elements<T>;

    fn make(model: &Elements<T>) -> Self {
        let elements = &model.elements;
        let made = match elements.len() {
            len if elements.iter().all(|element| element.bits() == 0) => SharedArray::zeroed(len),
            len if len % 2 == 0 => SharedArray::new(elements),
            _ => SharedArray::from_iter(elements.iter().copied()),
        };
        made.expect("there is memory for it")
    }

    fn sit(self, seat: SeatOf<Elements<T>>) {
        let mut kept = Vec::new();
        seat.serve(|call| match call {
            Call::Get(index) => Answer::One(self.get(index).map(Exactly)),
            Call::Set(index, value) => Answer::Wrote(self.set(index, value)),
            Call::Swap(index, value) => Answer::One(self.swap(index, value).map(Exactly)),
            Call::FetchAdd(index, more) => Answer::One(self.fetch_add(index, more).map(Exactly)),
            Call::CompareExchange(index, old, new) => {
                let exchanged = self.compare_exchange(index, old, new);
                Answer::Exchanged(exchanged.map(|was| was.map(Exactly).map_err(Exactly)))
            }
            Call::CopyToSlice(start, count) => {
                let mut slice = blank(count);
                let read = self.copy_to_slice(start, &mut slice);
                Answer::Read(read, exactly(slice))
            }
            Call::WriteSlice(start, from) => Answer::Wrote(self.write_slice(start, &from)),
            Call::SetValue(value) => {
                let (_, set_value) = T::TEXT.expect("only bytes are a text");
                Answer::SetValue(set_value(&self, &value))
            }
            Call::Lock(call) => Answer::Lock(self.call(&call, &mut kept)),
        });
    }

    fn view(&self) -> <Elements<T> as Model>::View {
        let text = T::TEXT.map(|(value, _)| value(self));
        let (there, back) = (exactly(self.to_vec()), exactly(self.iter().rev()));
        (self.len(), self.is_empty(), there, back, text, format!("{self:?}"))
    }
}

impl<T: Debug> Debug for Elements<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedArray::new(&{:?})", self.elements)
    }
}

impl<T: Debug> Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Get(index) => write!(f, "get({index})"),
            Call::Set(index, value) => write!(f, "set({index}, {value:?})"),
            Call::Swap(index, value) => write!(f, "swap({index}, {value:?})"),
            Call::FetchAdd(index, more) => write!(f, "fetch_add({index}, {more:?})"),
            Call::CompareExchange(index, old, new) => {
                write!(f, "compare_exchange({index}, {old:?}, {new:?})")
            }
            Call::CopyToSlice(start, count) => write!(f, "copy_to_slice({start}, [_; {count}])"),
            Call::WriteSlice(start, from) => write!(f, "write_slice({start}, &{from:?})"),
            Call::SetValue(value) => write!(f, "set_value(&{value:?})"),
            Call::Lock(call) => call.fmt(f),
        }
    }
}
