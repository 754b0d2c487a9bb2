use std::cell::Cell;
use std::fmt;
use std::mem::replace;
use std::panic::resume_unwind;

use multiproc::{Lock, LockGuard, PoisonCause, RLock, RLockGuard, TryLockError};

use super::wait::{Span, Wait};
use super::{Model, Outcomes};

/// The owner of a lock, and the value that it guards. The owner may lock it `AGAIN`, or not.
#[derive(Clone, Default)]
pub(crate) struct LockModel<const AGAIN: bool> {
    pub(crate) owner: Option<usize>,
    /// The number of the owner's guards.
    depth: usize,
    waiting: Vec<usize>,
    pub(crate) poisoned: bool,
    pub(crate) value: u8,
}

#[derive(Clone)]
pub(crate) enum Op {
    Lock(Wait),
    /// Drops the first guard, which may not be the last one made.
    Unlock,
    /// Panics while it holds the first guard.
    Panic,
    ClearPoison,
    Write(u8),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret {
    Locked,
    Poisoned(PoisonCause),
    WouldBlock,
    /// The value before.
    Wrote(u8),
    Done,
}

const SELF_DEADLOCK: &str = "this thread holds the lock already and would wait for itself for ever";
pub(crate) const PANIC: &str = "inside the lock";

impl<const AGAIN: bool> LockModel<AGAIN> {
    pub(crate) fn new(value: u8) -> Self {
        LockModel { value, ..Self::default() }
    }

    /// The owner drops a guard.
    fn unlock(&mut self, outcomes: &mut Outcomes<Ret>) {
        self.depth -= 1;
        if self.depth == 0 {
            self.owner = None;
            if !self.waiting.is_empty() {
                let next = self.waiting.remove(0);
                self.lock(next, outcomes);
            }
        }
    }

    fn lock(&mut self, worker: usize, outcomes: &mut Outcomes<Ret>) {
        self.owner = Some(worker);
        self.depth += 1;
        let poisoned = Ret::Poisoned(PoisonCause::Panicked);
        outcomes.ret(worker, if self.poisoned { poisoned } else { Ret::Locked });
    }
}

impl<const AGAIN: bool> Model for LockModel<AGAIN> {
    type Op = Op;
    type Ret = Ret;
    /// Whether it is locked, whether it is poisoned, and its `Debug` text.
    type View = (bool, bool, String);

    fn allows(&self, worker: usize, op: &Op) -> bool {
        let owns = self.owner == Some(worker);
        match op {
            Op::Unlock | Op::Panic | Op::Write(_) => owns,
            // With a deadline it may wait for itself, until then.
            Op::Lock(wait) => AGAIN || !owns || *wait != Wait::Until(Span::Long),
            Op::ClearPoison => true,
        }
    }

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Ret>) {
        match *op {
            Op::Lock(_) if self.owner.is_none() => self.lock(worker, outcomes),
            Op::Lock(_) if AGAIN && self.owner == Some(worker) => self.lock(worker, outcomes),
            Op::Lock(wait) if !wait.is_long() => outcomes.ret(worker, Ret::WouldBlock),
            Op::Lock(_) if self.owner == Some(worker) => outcomes.panic(worker, SELF_DEADLOCK),
            Op::Lock(_) => self.waiting.push(worker),
            Op::Unlock => {
                outcomes.ret(worker, Ret::Done);
                self.unlock(outcomes);
            }
            Op::Panic => {
                outcomes.panic(worker, PANIC);
                self.poisoned = true;
                self.unlock(outcomes);
            }
            Op::ClearPoison => {
                self.poisoned = false;
                outcomes.ret(worker, Ret::Done);
            }
            Op::Write(value) => {
                outcomes.ret(worker, Ret::Wrote(replace(&mut self.value, value)));
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

/// What has a lock.
pub(crate) trait Lockable {
    type Guard<'a>
    where
        Self: 'a;

    fn lock_by(&self, wait: Wait) -> Result<Self::Guard<'_>, TryLockError<Self::Guard<'_>>>;
    fn clear_poison(&self);

    /// Writes the guarded byte, if it guards one; returns the byte before.
    fn write(_guard: &mut Self::Guard<'_>, _value: u8) -> u8 {
        unreachable!("it guards no byte")
    }

    /// Performs an operation, with the guards that the worker holds.
    fn perform<'a>(&'a self, op: &Op, guards: &mut Vec<Self::Guard<'a>>) -> Ret {
        match op {
            Op::Lock(wait) => match self.lock_by(*wait) {
                Err(TryLockError::WouldBlock) => Ret::WouldBlock,
                Ok(guard) => {
                    guards.push(guard);
                    Ret::Locked
                }
                Err(TryLockError::Poisoned(poisoned)) => {
                    let cause = poisoned.cause();
                    guards.push(poisoned.into_inner());
                    Ret::Poisoned(cause)
                }
            },
            Op::Unlock => {
                drop(guards.remove(0));
                Ret::Done
            }
            Op::Panic => {
                let _guard = guards.remove(0);
                resume_unwind(Box::new(PANIC));
            }
            Op::ClearPoison => {
                self.clear_poison();
                Ret::Done
            }
            Op::Write(value) => Ret::Wrote(Self::write(&mut guards[0], *value)),
        }
    }
}

/// Implements [`Lockable`] by the type's own four forms of locking.
macro_rules! lockable {
    (<$a:lifetime $(, $name:ident: $bound:path)?> $lock:ty => $guard:ty; $($write:item)?) => {
        impl<$($name: $bound)?> Lockable for $lock {
            type Guard<$a> = $guard where Self: $a;

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

            $($write)?
        }
    };
}
pub(crate) use lockable;

lockable! {
    <'a> Lock<u8> => LockGuard<'a, u8>;
    fn write(guard: &mut LockGuard<'_, u8>, value: u8) -> u8 {
        replace(&mut **guard, value)
    }
}

lockable! {
    <'a> RLock<Cell<u8>> => RLockGuard<'a, Cell<u8>>;
    fn write(guard: &mut RLockGuard<'_, Cell<u8>>, value: u8) -> u8 {
        guard.replace(value)
    }
}

impl<const AGAIN: bool> fmt::Debug for LockModel<AGAIN> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::new({})", if AGAIN { "RLock" } else { "Lock" }, self.value)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Lock(wait) => wait.written(f, "lock", ""),
            Op::Unlock => f.write_str("drop(guard)"),
            Op::Panic => f.write_str("panic!()"),
            Op::ClearPoison => f.write_str("clear_poison()"),
            Op::Write(value) => write!(f, "*guard = {value}"),
        }
    }
}
