use std::fmt::{self, Debug};
use std::mem::replace;

use multiproc::{ArrayGuard, IndexOutOfRange, SharedArray, TryLockError, ValueTooLong};

use super::lock::{self, LockModel, Lockable, lockable};
use super::number::{Exactly, Number};
use super::wait::Wait;
use super::{Model, Outcomes};

/// The elements, and the lock beside them.
#[derive(Clone)]
pub(crate) struct ArrayModel<T> {
    pub(crate) elements: Vec<T>,
    pub(crate) lock: LockModel<false>,
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

lockable! { <'a, T: Number> SharedArray<T> => ArrayGuard<'a>; }

/// Performs an operation, with the guards that the worker holds.
pub(crate) fn perform<'a, T: Number>(
    array: &'a SharedArray<T>,
    op: &Op<T>,
    guards: &mut Vec<ArrayGuard<'a>>,
) -> Ret<Exactly<T>> {
    match *op {
        Op::Get(index) => Ret::One(array.get(index).map(Exactly)),
        Op::Set(index, value) => Ret::Wrote(array.set(index, value)),
        Op::Swap(index, value) => Ret::One(array.swap(index, value).map(Exactly)),
        Op::FetchAdd(index, more) => Ret::One(array.fetch_add(index, more).map(Exactly)),
        Op::CompareExchange(index, old, new) => {
            let exchanged = array.compare_exchange(index, old, new);
            Ret::Exchanged(exchanged.map(|was| was.map(Exactly).map_err(Exactly)))
        }
        Op::CopyToSlice(start, count) => {
            let mut slice = blank(count);
            let read = array.copy_to_slice(start, &mut slice);
            Ret::Read(read, exactly(slice))
        }
        Op::WriteSlice(start, ref from) => Ret::Wrote(array.write_slice(start, from)),
        Op::SetValue(ref value) => {
            let (_, set_value) = T::TEXT.expect("only bytes are a text");
            Ret::SetValue(set_value(array, value))
        }
        Op::Lock(ref op) => Ret::Lock(array.perform(op, guards)),
    }
}

pub(crate) fn view<T: Number>(array: &SharedArray<T>) -> <ArrayModel<T> as Model>::View {
    let text = T::TEXT.map(|(value, _)| value(array));
    let (there, back) = (exactly(array.to_vec()), exactly(array.iter().rev()));
    (array.len(), array.is_empty(), there, back, text, format!("{array:?}"))
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
