use std::fmt::{self, Debug};
use std::mem::replace;

use multiproc::{LockGuard, TryLockError, Value};

use super::lock::{self, LockModel, Lockable, lockable};
use super::number::{Exactly, Number};
use super::wait::Wait;
use super::{Model, Outcomes};

/// A number, and the lock beside it.
#[derive(Clone)]
pub(crate) struct ValueModel<T> {
    pub(crate) number: T,
    pub(crate) lock: LockModel<false>,
}

#[derive(Clone)]
pub(crate) enum Op<T> {
    Get,
    Set(T),
    Swap(T),
    FetchAdd(T),
    CompareExchange(T, T),
    Lock(lock::Op),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret<E> {
    /// The number, or the number before.
    Number(E),
    Set,
    Exchanged(Result<E, E>),
    Lock(lock::Ret),
}

impl<T: Number> Model for ValueModel<T> {
    type Op = Op<T>;
    type Ret = Ret<Exactly<T>>;
    /// The number, and the `Debug` text.
    type View = (Exactly<T>, String);

    fn allows(&self, worker: usize, op: &Op<T>) -> bool {
        match op {
            Op::Lock(op) => self.lock.allows(worker, op),
            _ => true,
        }
    }

    fn apply(&mut self, worker: usize, op: &Op<T>, outcomes: &mut Outcomes<Self::Ret>) {
        let now = self.number;
        let ret = match *op {
            Op::Get => Ret::Number(Exactly(now)),
            Op::Set(new) => {
                self.number = new;
                Ret::Set
            }
            Op::Swap(new) => Ret::Number(Exactly(replace(&mut self.number, new))),
            Op::FetchAdd(more) => Ret::Number(Exactly(replace(&mut self.number, now.plus(more)))),
            Op::CompareExchange(old, _) if old.bits() != now.bits() => {
                Ret::Exchanged(Err(Exactly(now)))
            }
            Op::CompareExchange(_, new) => {
                Ret::Exchanged(Ok(Exactly(replace(&mut self.number, new))))
            }
            Op::Lock(ref op) => {
                return outcomes.of(Ret::Lock, |outcomes| self.lock.apply(worker, op, outcomes));
            }
        };
        outcomes.ret(worker, ret);
    }

    fn view(&self) -> Self::View {
        (Exactly(self.number), format!("Value({:?})", self.number))
    }
}

lockable! { <'a, T: Number> Value<T> => LockGuard<'a, ()>; }

/// Performs an operation, with the guards that the worker holds.
pub(crate) fn perform<'a, T: Number>(
    value: &'a Value<T>,
    op: &Op<T>,
    guards: &mut Vec<LockGuard<'a, ()>>,
) -> Ret<Exactly<T>> {
    match *op {
        Op::Get => Ret::Number(Exactly(value.get())),
        Op::Set(new) => {
            value.set(new);
            Ret::Set
        }
        Op::Swap(new) => Ret::Number(Exactly(value.swap(new))),
        Op::FetchAdd(more) => Ret::Number(Exactly(value.fetch_add(more))),
        Op::CompareExchange(old, new) => {
            let exchanged = value.compare_exchange(old, new);
            Ret::Exchanged(exchanged.map(Exactly).map_err(Exactly))
        }
        Op::Lock(ref op) => Ret::Lock(value.perform(op, guards)),
    }
}

pub(crate) fn view<T: Number>(value: &Value<T>) -> (Exactly<T>, String) {
    (Exactly(value.get()), format!("{value:?}"))
}

impl<T: Debug> Debug for ValueModel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value::new({:?})", self.number)
    }
}

impl<T: Debug> Debug for Op<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Get => f.write_str("get()"),
            Op::Set(new) => write!(f, "set({new:?})"),
            Op::Swap(new) => write!(f, "swap({new:?})"),
            Op::FetchAdd(more) => write!(f, "fetch_add({more:?})"),
            Op::CompareExchange(old, new) => write!(f, "compare_exchange({old:?}, {new:?})"),
            Op::Lock(op) => op.fmt(f),
        }
    }
}
