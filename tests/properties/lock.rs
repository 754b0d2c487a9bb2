use std::any::Any;
use std::fmt;
use std::mem::replace;
use std::panic::resume_unwind;
use std::sync::Arc;

use multiproc::{Lock, LockGuard, PoisonCause, TryLockError};
use proptest::prelude::*;

use crate::model::{Answers, Model, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::wait::{Span, Wait};

/// A subject of a lock's type: how it is made of a byte, and the byte written and got back.
macro_rules! subject {
    ($name:ident: $lock:ty, $model:ty, $make:expr, $write:expr, $byte:expr) => {
        #[derive(Clone)]
        pub(crate) struct $name<P>(P);

        impl<P: Place<$lock>> Subject for $name<P> {
            type Model = $model;

            fn make(model: &$model) -> Self {
                $name(P::of($make(model.value)))
            }

            fn sit(self, seat: SeatOf<$model>) {
                let (lock, mut kept) = (&*self.0, Vec::new());
                seat.serve(|call| match call {
                    Call::Write(value) => Answer::Wrote($write(&mut kept[0], value)),
                    call => lock.call(&call, &mut kept),
                });
            }

            fn view(&self) -> (bool, bool, String) {
                (self.0.is_locked(), self.0.is_poisoned(), format!("{:?}", *self.0))
            }

            /// Out of memory of one's own, the value comes back.
            fn end(self, model: &$model) {
                if let Ok(lock) = (Box::new(self.0) as Box<dyn Any>).downcast::<Arc<$lock>>() {
                    let mut lock = Arc::into_inner(*lock).expect("all others have left");
                    assert_eq!($byte(lock.get_mut().clone()), model.value);
                    let (value, cause) = match lock.into_inner() {
                        Ok(value) => (value, None),
                        Err(poisoned) => {
                            let cause = poisoned.cause();
                            (poisoned.into_inner(), Some(cause))
                        }
                    };
                    let told = model.poisoned.then_some(PoisonCause::Panicked);
                    assert_eq!(($byte(value), cause), (model.value, told));
                }
            }
        }
    };
}
pub(crate) use subject;

in_both_places! { <Lock<u8>>; agrees_with_an_owner }

fn agrees_with_an_owner<P: Place<Lock<u8>>>() {
    agrees::<OnLock<P>>();
}

subject! {
    OnLock: Lock<u8>, Owned<false>,
    Lock::new, |guard: &mut LockGuard<u8>, value| replace(&mut **guard, value), u8::from
}
locks! { <'a> Lock<u8> => LockGuard<'a, u8> }

/// Whose the lock is, and what it guards. The owner may lock it `AGAIN`, or not.
#[derive(Clone, Default)]
pub(crate) struct Owned<const AGAIN: bool> {
    owner: Option<usize>,
    /// Guards of the owner.
    depth: usize,
    waiting: Vec<usize>,
    pub(crate) poisoned: bool,
    pub(crate) value: u8,
}

#[derive(Clone)]
pub(crate) enum Call {
    Lock(Wait),
    Unlock,
    /// In the one who holds it.
    Panic,
    ClearPoison,
    Write(u8),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Locked,
    Poisoned(PoisonCause),
    WouldBlock,
    /// What it was before.
    Wrote(u8),
    Done,
}

pub(crate) const ITSELF: &str =
    "this thread holds the lock already and would wait for itself for ever";
pub(crate) const INSIDE: &str = "inside the lock";

impl<const AGAIN: bool> Owned<AGAIN> {
    /// Calls of a lock, whatever it guards.
    pub(crate) fn lock_calls(&self, seat: usize) -> BoxedStrategy<Call> {
        let (lock, clear) = (Wait::any().prop_map(Call::Lock), Just(Call::ClearPoison));
        match self.owner == Some(seat) {
            true => prop_oneof![
                4 => Just(Call::Unlock), 2 => Just(Call::Panic), 1 => clear,
                if AGAIN { 4 } else { 1 } => lock,
            ]
            .boxed(),
            false => prop_oneof![1 => clear, 8 => lock].boxed(),
        }
    }

    /// A guard is dropped.
    fn leave(&mut self, answers: &mut Answers<Answer>) {
        self.depth -= 1;
        if self.depth == 0 {
            self.owner = None;
            if !self.waiting.is_empty() {
                let next = self.waiting.remove(0);
                self.enter(next, answers);
            }
        }
    }

    fn enter(&mut self, seat: usize, answers: &mut Answers<Answer>) {
        self.owner = Some(seat);
        self.depth += 1;
        let poisoned = Answer::Poisoned(PoisonCause::Panicked);
        answers.give(seat, if self.poisoned { poisoned } else { Answer::Locked });
    }
}

impl<const AGAIN: bool> Model for Owned<AGAIN> {
    type Call = Call;
    type Answer = Answer;
    /// Whether it is locked, whether it is poisoned, and how it shows itself.
    type View = (bool, bool, String);

    fn begin() -> BoxedStrategy<Self> {
        (0..3u8).prop_map(|value| Owned { value, ..Owned::default() }).boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<Call> {
        let write = any::<u8>().prop_map(Call::Write);
        match self.owner == Some(seat) {
            true => prop_oneof![3 => self.lock_calls(seat), 1 => write].boxed(),
            false => self.lock_calls(seat),
        }
    }

    fn may(&self, seat: usize, call: &Call) -> bool {
        let owns = self.owner == Some(seat);
        match call {
            Call::Unlock | Call::Panic | Call::Write(_) => owns,
            // It may wait for itself, and would take as long.
            Call::Lock(wait) => AGAIN || !owns || *wait != Wait::Until(Span::Long),
            Call::ClearPoison => true,
        }
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Answer>) {
        match *call {
            Call::Lock(_) if self.owner.is_none() => self.enter(seat, answers),
            Call::Lock(_) if AGAIN && self.owner == Some(seat) => self.enter(seat, answers),
            Call::Lock(wait) if !wait.is_long() => answers.give(seat, Answer::WouldBlock),
            Call::Lock(_) if self.owner == Some(seat) => answers.panic(seat, ITSELF),
            Call::Lock(_) => self.waiting.push(seat),
            Call::Unlock => {
                answers.give(seat, Answer::Done);
                self.leave(answers);
            }
            Call::Panic => {
                answers.panic(seat, INSIDE);
                self.poisoned = true;
                self.leave(answers);
            }
            Call::ClearPoison => {
                self.poisoned = false;
                answers.give(seat, Answer::Done);
            }
            Call::Write(value) => {
                answers.give(seat, Answer::Wrote(replace(&mut self.value, value)));
            }
        }
    }

    fn view(&self) -> Self::View {
        let (locked, poisoned) = (self.owner.is_some(), self.poisoned);
        let (name, value) = match AGAIN {
            true => ("RLock", format!("Cell {{ value: {} }}", self.value)),
            false => ("Lock", self.value.to_string()),
        };
        let data = if locked { "<locked>" } else { &value };
        (locked, poisoned, format!("{name} {{ data: {data}, poisoned: {poisoned} }}"))
    }
}

/// What locking came to; keeps the guard.
pub(crate) fn locked<G>(result: Result<G, TryLockError<G>>, kept: &mut Vec<G>) -> Answer {
    match result {
        Err(TryLockError::WouldBlock) => Answer::WouldBlock,
        Ok(guard) => {
            kept.push(guard);
            Answer::Locked
        }
        Err(TryLockError::Poisoned(poisoned)) => {
            let cause = poisoned.cause();
            kept.push(poisoned.into_inner());
            Answer::Poisoned(cause)
        }
    }
}

/// What has a lock.
pub(crate) trait Locks {
    type Guard<'a>
    where
        Self: 'a;

    fn lock_by(&self, wait: Wait) -> Result<Self::Guard<'_>, TryLockError<Self::Guard<'_>>>;
    fn clear_poison(&self);

    /// Makes a call, with the guards that the caller keeps.
    fn call<'a>(&'a self, call: &Call, kept: &mut Vec<Self::Guard<'a>>) -> Answer {
        match call {
            Call::Lock(wait) => locked(self.lock_by(*wait), kept),
            Call::Unlock => {
                // The first, which may not be the last that was got.
                drop(kept.remove(0));
                Answer::Done
            }
            Call::Panic => {
                let _inside = kept.remove(0);
                resume_unwind(Box::new(INSIDE));
            }
            Call::ClearPoison => {
                self.clear_poison();
                Answer::Done
            }
            Call::Write(_) => unreachable!("it is for who knows what is guarded"),
        }
    }
}

/// The four ways to lock.
macro_rules! locks {
    (<$a:lifetime $(, $name:ident: $bound:path)?> $lock:ty => $guard:ty) => {
        impl<$($name: $bound)?> $crate::lock::Locks for $lock {
            type Guard<$a> = $guard;

            fn lock_by<$a>(&$a self, wait: Wait) -> Result<$guard, TryLockError<$guard>> {
                match wait {
                    Wait::Ever => self.lock().map_err(TryLockError::Poisoned),
                    Wait::Not => self.try_lock(),
                    Wait::For(span) => self.lock_for(span.duration()),
                    Wait::Until(span) => self.lock_until(span.instant()),
                }
            }

            fn clear_poison(&self) {
                self.clear_poison();
            }
        }
    };
}
pub(crate) use locks;

impl<const AGAIN: bool> fmt::Debug for Owned<AGAIN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::new({})", if AGAIN { "RLock" } else { "Lock" }, self.value)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Lock(wait) => wait.written(f, "lock", ""),
            Call::Unlock => f.write_str("drop(guard)"),
            Call::Panic => f.write_str("panic!()"),
            Call::ClearPoison => f.write_str("clear_poison()"),
            Call::Write(value) => write!(f, "*guard = {value}"),
        }
    }
}
