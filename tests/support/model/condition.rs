use std::fmt;
use std::mem::replace;
use std::panic::resume_unwind;

use multiproc::{Condition, Lock, LockGuard, Poisoned};

use super::lock::PANIC;
use super::wait::{Span, Wait};
use super::{Model, Outcomes};

/// A lock and a condition: the lock's owner, the workers that wait for a notification, and those that
/// were notified and wait for the lock.
///
/// All that wait at a time wait for the same, so that it does not matter which goes on. No worker waits
/// only for the lock: that is part of the lock's model.
#[derive(Clone, Default)]
pub(crate) struct ConditionModel {
    pub(crate) owner: Option<usize>,
    poisoned: bool,
    value: u8,
    waiting: Vec<usize>,
    notified: Vec<usize>,
    reason: Option<Reason>,
}

/// What the workers wait for: until the value is not this one, or for a notification; and whether the
/// lock was poisoned when they began.
#[derive(Clone, Copy, PartialEq)]
struct Reason {
    value: Option<u8>,
    poisoned: bool,
}

#[derive(Clone)]
pub(crate) enum Op {
    Lock,
    Unlock,
    /// Panics while it holds the guard.
    Panic,
    ClearPoison,
    Write(u8),
    Wait(Wait),
    /// Waits as long as the value is this one.
    WaitWhile(u8, Wait),
    NotifyOne,
    Notify(u32),
    NotifyAll,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret {
    /// Whether it is poisoned.
    Locked(bool),
    /// Whether it is poisoned, and whether the wait ended before its timeout.
    Waited(bool, bool),
    /// The value before.
    Wrote(u8),
    Done,
}

impl ConditionModel {
    /// One whose lock is held by this worker.
    pub(crate) fn locked(owner: usize, poisoned: bool, value: u8) -> Self {
        ConditionModel { owner: Some(owner), poisoned, value, ..Self::default() }
    }

    /// The lock is free: a notified worker takes it.
    fn unlock(&mut self, outcomes: &mut Outcomes<Ret>) {
        self.owner = None;
        let Some(reason) = self.reason else { return };
        if let Some(value) = reason.value {
            // They check the value by themselves at times, and wait again if it is unchanged.
            let (from, to) = match value == self.value && !self.poisoned {
                true => (&mut self.notified, &mut self.waiting),
                false => (&mut self.waiting, &mut self.notified),
            };
            to.append(from);
        }
        if !self.notified.is_empty() {
            let next = self.notified.remove(0);
            self.owner = Some(next);
            let failed = self.poisoned && reason.value.is_some();
            outcomes.ret(next, Ret::Waited(self.poisoned, !failed));
        }
        if self.notified.is_empty() && self.waiting.is_empty() {
            self.reason = None;
        }
    }

    fn notify(&mut self, n: usize, outcomes: &mut Outcomes<Ret>) {
        let n = n.min(self.waiting.len());
        self.notified.extend(self.waiting.drain(..n));
        if self.owner.is_none() {
            self.unlock(outcomes);
        }
    }

    fn wait(&mut self, worker: usize, value: Option<u8>, wait: Wait, out: &mut Outcomes<Ret>) {
        if value.is_some_and(|value| value != self.value) {
            out.ret(worker, Ret::Waited(false, true));
        } else if wait.is_long() {
            self.waiting.push(worker);
            self.reason = Some(Reason { value, poisoned: self.poisoned });
            self.unlock(out);
        } else {
            out.ret(worker, Ret::Waited(self.poisoned, false));
        }
    }
}

impl Model for ConditionModel {
    type Op = Op;
    type Ret = Ret;
    /// Nothing: the waiting workers hold the lock at times.
    type View = ();

    fn allows(&self, worker: usize, op: &Op) -> bool {
        let owns = self.owner == Some(worker);
        let may_wait = |value, wait: Wait| {
            let reason = Some(Reason { value, poisoned: self.poisoned });
            match wait.is_long() {
                true => self.reason.is_none() || self.reason == reason,
                // No other worker may take the lock meanwhile.
                false => self.notified.is_empty() && self.reason.is_none_or(|r| r.value.is_none()),
            }
        };
        match *op {
            Op::Lock => self.owner.is_none(),
            Op::Unlock | Op::Panic | Op::Write(_) => owns,
            Op::Wait(wait) => owns && may_wait(None, wait),
            // When the lock is poisoned, a wait for a change ends by itself at some time.
            Op::WaitWhile(value, wait) => {
                owns && (!self.poisoned || !wait.is_long()) && may_wait(Some(value), wait)
            }
            // A worker that has not seen the poison yet would never see it.
            Op::ClearPoison => self.reason.is_none(),
            Op::NotifyOne | Op::Notify(_) | Op::NotifyAll => true,
        }
    }

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Ret>) {
        match *op {
            Op::Wait(wait) => return self.wait(worker, None, wait, outcomes),
            Op::WaitWhile(value, wait) => return self.wait(worker, Some(value), wait, outcomes),
            Op::Lock => {
                self.owner = Some(worker);
                outcomes.ret(worker, Ret::Locked(self.poisoned));
            }
            Op::Write(value) => {
                outcomes.ret(worker, Ret::Wrote(replace(&mut self.value, value)));
            }
            Op::Panic => outcomes.panic(worker, PANIC),
            _ => outcomes.ret(worker, Ret::Done),
        }
        match *op {
            Op::Unlock => self.unlock(outcomes),
            Op::Panic => {
                self.poisoned = true;
                // The waiting workers are told, unless it was poisoned when they began.
                if self.reason.is_some_and(|reason| !reason.poisoned) {
                    self.notified.append(&mut self.waiting);
                }
                self.unlock(outcomes);
            }
            Op::ClearPoison => self.poisoned = false,
            Op::NotifyOne => self.notify(1, outcomes),
            Op::Notify(n) => self.notify(n as usize, outcomes),
            Op::NotifyAll => self.notify(usize::MAX, outcomes),
            _ => {}
        }
    }

    fn view(&self) {}
}

/// The guard, and whether it is poisoned.
pub(crate) fn opened<G>(result: Result<G, Poisoned<G>>) -> (G, bool) {
    match result {
        Ok(guard) => (guard, false),
        Err(poisoned) => (poisoned.into_inner(), true),
    }
}

/// Performs an operation, with the guard that the worker holds, if any.
pub(crate) fn perform<'a>(
    (lock, condition): (&'a Lock<u8>, &Condition),
    op: &Op,
    held: &mut Option<LockGuard<'a, u8>>,
) -> Ret {
    const OWNER: &str = "the model allows it only to the owner";
    match *op {
        Op::Lock => {
            let (guard, poisoned) = opened(lock.lock());
            *held = Some(guard);
            return Ret::Locked(poisoned);
        }
        Op::Unlock => *held = None,
        Op::Panic => {
            let _guard = held.take();
            resume_unwind(Box::new(PANIC));
        }
        Op::ClearPoison => lock.clear_poison(),
        Op::Write(value) => return Ret::Wrote(replace(held.as_mut().expect(OWNER), value)),
        Op::Wait(wait) => {
            let guard = held.take().expect(OWNER);
            let ((guard, notified), poisoned) = match wait {
                Wait::For(span) => opened(condition.wait_for(guard, span.duration())),
                Wait::Until(span) => opened(condition.wait_until(guard, span.instant())),
                _ => {
                    let (guard, poisoned) = opened(condition.wait(guard));
                    ((guard, true), poisoned)
                }
            };
            *held = Some(guard);
            return Ret::Waited(poisoned, notified);
        }
        Op::WaitWhile(value, wait) => {
            let guard = held.take().expect(OWNER);
            let is_same = *guard == value;
            let mut calls = 0;
            let same = |now: &mut u8| {
                calls += 1;
                *now == value
            };
            let ((guard, over), poisoned) = match wait {
                Wait::For(span) => opened(condition.wait_while_for(guard, span.duration(), same)),
                Wait::Until(span) => {
                    opened(condition.wait_while_until(guard, span.instant(), same))
                }
                _ => {
                    let (guard, poisoned) = opened(condition.wait_while(guard, same));
                    ((guard, !poisoned), poisoned)
                }
            };
            if matches!(wait, Wait::For(Span::Zero) | Wait::Until(Span::Zero)) {
                // Again after it has released the lock and locked it, unless it is poisoned.
                assert_eq!(calls, if is_same && !poisoned { 2 } else { 1 });
            }
            *held = Some(guard);
            return Ret::Waited(poisoned, over);
        }
        Op::NotifyOne => condition.notify_one(),
        Op::Notify(n) => condition.notify(n),
        Op::NotifyAll => condition.notify_all(),
    }
    Ret::Done
}

impl fmt::Debug for ConditionModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(Lock::new(0), Condition::new())")
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Lock => f.write_str("lock()"),
            Op::Unlock => f.write_str("drop(guard)"),
            Op::Panic => f.write_str("panic!()"),
            Op::ClearPoison => f.write_str("clear_poison()"),
            Op::Write(value) => write!(f, "*guard = {value}"),
            Op::Wait(wait) => wait.written(f, "wait", "guard"),
            Op::WaitWhile(value, wait) => {
                wait.written(f, "wait_while", &format!("guard, |value| *value == {value}"))
            }
            Op::NotifyOne => f.write_str("notify_one()"),
            Op::Notify(n) => write!(f, "notify({n})"),
            Op::NotifyAll => f.write_str("notify_all()"),
        }
    }
}
