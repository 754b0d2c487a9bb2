use std::fmt::{self, Debug};
use std::marker::PhantomData;
use std::mem::replace;

use multiproc::{LockGuard, TryLockError, Value};
use proptest::prelude::*;

use crate::lock::{self, Locks, Owned, locks};
use crate::model::{Answers, Model, SeatOf, Subject, agrees};
use crate::number::{Exactly, Number};
use crate::place::{Place, in_both_places};
use crate::wait::Wait;

/// Plays with a value of these types; those of arrays are kept in the same way.
macro_rules! of_each {
    ($($type:ident)*) => { $(
        mod $type {
            use super::*;

            in_both_places! { <Value<$type>>; agrees_with_a_number }

            fn agrees_with_a_number<P: Place<Value<$type>>>() {
                agrees::<OnValue<P, $type>>();
            }
        }
    )* };
}

of_each! { u8 i64 f32 }

/// A number, and the lock beside it.
#[derive(Clone)]
pub(crate) struct Plain<T> {
    number: T,
    lock: Owned<false>,
}

#[derive(Clone)]
pub(crate) enum Call<T> {
    Get,
    Set(T),
    Swap(T),
    FetchAdd(T),
    CompareExchange(T, T),
    Lock(lock::Call),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer<E> {
    /// What it is, or was.
    Number(E),
    Set,
    Exchanged(Result<E, E>),
    Lock(lock::Answer),
}

impl<T: Number> Model for Plain<T> {
    type Call = Call<T>;
    type Answer = Answer<Exactly<T>>;
    type View = (Exactly<T>, String);

    fn begin() -> BoxedStrategy<Self> {
        T::any().prop_map(|number| Plain { number, lock: Owned::default() }).boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<Call<T>> {
        let present = prop_oneof![2 => Just(self.number), 1 => T::any()];
        prop_oneof![
            1 => Just(Call::Get),
            2 => T::any().prop_map(Call::Set),
            2 => T::any().prop_map(Call::Swap),
            2 => T::addend().prop_map(Call::FetchAdd),
            3 => (present, T::any()).prop_map(|(old, new)| Call::CompareExchange(old, new)),
            4 => self.lock.lock_calls(seat).prop_map(Call::Lock),
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
        let now = self.number;
        let answer = match *call {
            Call::Get => Answer::Number(Exactly(now)),
            Call::Set(new) => {
                self.number = new;
                Answer::Set
            }
            Call::Swap(new) => Answer::Number(Exactly(replace(&mut self.number, new))),
            Call::FetchAdd(more) => {
                Answer::Number(Exactly(replace(&mut self.number, now.plus(more))))
            }
            Call::CompareExchange(old, _) if old.bits() != now.bits() => {
                Answer::Exchanged(Err(Exactly(now)))
            }
            Call::CompareExchange(_, new) => {
                Answer::Exchanged(Ok(Exactly(replace(&mut self.number, new))))
            }
            Call::Lock(ref call) => {
                return answers.of(Answer::Lock, |answers| self.lock.play(seat, call, answers));
            }
        };
        answers.give(seat, answer);
    }

    fn view(&self) -> Self::View {
        (Exactly(self.number), format!("Value({:?})", self.number))
    }
}

pub(crate) struct OnValue<P, T>(P, PhantomData<T>);

impl<P: Clone, T> Clone for OnValue<P, T> {
    fn clone(&self) -> Self {
        OnValue(self.0.clone(), PhantomData)
    }
}

locks! { <'a, T: Number> Value<T> => LockGuard<'a, ()> }

impl<P: Place<Value<T>>, T: Number> Subject for OnValue<P, T> {
    type Model = Plain<T>;

    fn make(model: &Plain<T>) -> Self {
        OnValue(P::of(Value::new(model.number)), PhantomData)
    }

    fn sit(self, seat: SeatOf<Plain<T>>) {
        let (value, mut kept): (&Value<T>, _) = (&self.0, Vec::new());
        seat.serve(|call| match call {
            Call::Get => Answer::Number(Exactly(value.get())),
            Call::Set(new) => {
                value.set(new);
                Answer::Set
            }
            Call::Swap(new) => Answer::Number(Exactly(value.swap(new))),
            Call::FetchAdd(more) => Answer::Number(Exactly(value.fetch_add(more))),
            Call::CompareExchange(old, new) => {
                let exchanged = value.compare_exchange(old, new);
                Answer::Exchanged(exchanged.map(Exactly).map_err(Exactly))
            }
            Call::Lock(call) => Answer::Lock(value.call(&call, &mut kept)),
        });
    }

    fn view(&self) -> (Exactly<T>, String) {
        (Exactly(self.0.get()), format!("{:?}", *self.0))
    }
}

impl<T: Debug> Debug for Plain<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Value::new({:?})", self.number)
    }
}

impl<T: Debug> Debug for Call<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Get => f.write_str("get()"),
            Call::Set(new) => write!(f, "set({new:?})"),
            Call::Swap(new) => write!(f, "swap({new:?})"),
            Call::FetchAdd(more) => write!(f, "fetch_add({more:?})"),
            Call::CompareExchange(old, new) => write!(f, "compare_exchange({old:?}, {new:?})"),
            Call::Lock(call) => call.fmt(f),
        }
    }
}
