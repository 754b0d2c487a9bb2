use std::fmt;
use std::mem::replace;
use std::panic::resume_unwind;

use multiproc::{Condition, Lock, LockGuard, Poisoned};
use proptest::prelude::*;

use crate::lock::INSIDE;
use crate::model::{Answers, Model, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::wait::Wait;

in_both_places! { <(Lock<u8>, Condition)>; agrees_with_a_list_of_sleepers }

fn agrees_with_a_list_of_sleepers<P: Place<(Lock<u8>, Condition)>>() {
    agrees::<OnCondition<P>>();
}

/// Who holds the lock, who sleeps, and who was woken and waits for the lock.
///
/// All who wait do so for the same, so that it does not matter who goes on. For the lock alone
/// nobody waits: that is played with elsewhere.
#[derive(Clone, Default)]
pub(crate) struct Monitor {
    owner: Option<usize>,
    poisoned: bool,
    value: u8,
    sleeping: Vec<usize>,
    woken: Vec<usize>,
    reason: Option<Reason>,
}

/// Why one waits: as long as the value is this, or just so; and whether the lock was poisoned then.
#[derive(Clone, Copy, PartialEq)]
struct Reason {
    value: Option<u8>,
    poisoned: bool,
}

#[derive(Clone)]
pub(crate) enum Call {
    Lock,
    Unlock,
    Panic,
    ClearPoison,
    Write(u8),
    Wait(Wait),
    WaitWhile(u8, Wait),
    NotifyOne,
    Notify(u32),
    NotifyAll,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// Whether it is poisoned.
    Locked(bool),
    /// Whether it is poisoned, and whether it was in time.
    Waited(bool, bool),
    /// What it was before.
    Wrote(u8),
    Done,
}

impl Monitor {
    /// The lock is free, and those who were woken take it.
    fn free(&mut self, answers: &mut Answers<Answer>) {
        self.owner = None;
        let Some(reason) = self.reason else { return };
        if let Some(value) = reason.value {
            // They look for themselves, by and by; and sleep again if it is still so.
            let (from, to) = match value == self.value && !self.poisoned {
                true => (&mut self.woken, &mut self.sleeping),
                false => (&mut self.sleeping, &mut self.woken),
            };
            to.append(from);
        }
        if !self.woken.is_empty() {
            let next = self.woken.remove(0);
            self.owner = Some(next);
            let lost = self.poisoned && reason.value.is_some();
            answers.give(next, Answer::Waited(self.poisoned, !lost));
        }
        if self.woken.is_empty() && self.sleeping.is_empty() {
            self.reason = None;
        }
    }

    fn notify(&mut self, n: usize, answers: &mut Answers<Answer>) {
        let n = n.min(self.sleeping.len());
        self.woken.extend(self.sleeping.drain(..n));
        if self.owner.is_none() {
            self.free(answers);
        }
    }

    fn wait(&mut self, seat: usize, value: Option<u8>, wait: Wait, answers: &mut Answers<Answer>) {
        if value.is_some_and(|value| value != self.value) {
            answers.give(seat, Answer::Waited(false, true));
        } else if wait.is_long() {
            self.sleeping.push(seat);
            self.reason = Some(Reason { value, poisoned: self.poisoned });
            self.free(answers);
        } else {
            answers.give(seat, Answer::Waited(self.poisoned, false));
        }
    }
}

impl Model for Monitor {
    type Call = Call;
    type Answer = Answer;
    /// Those who wait look at the data at times, and hold the lock: nothing is seen for certain.
    type View = ();

    fn begin() -> BoxedStrategy<Self> {
        Just(Monitor::default()).boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<Call> {
        let owns = self.owner == Some(seat);
        let free = self.owner.is_none();
        let weight = |can: bool, weight| if can { weight } else { 0 };
        let value = 0..3u8;
        prop_oneof![
            weight(free, 30) => Just(Call::Lock),
            weight(owns, 10) => Just(Call::Unlock),
            weight(owns, 1) => Just(Call::Panic),
            weight(owns, 5) => value.clone().prop_map(Call::Write),
            weight(owns, 16) => Wait::patient().prop_map(Call::Wait),
            weight(owns, 10) => (value, Wait::patient())
                .prop_map(|(value, wait)| Call::WaitWhile(value, wait)),
            1 => Just(Call::ClearPoison),
            4 => Just(Call::NotifyOne),
            4 => (0..4u32).prop_map(Call::Notify),
            2 => Just(Call::NotifyAll),
        ]
        .boxed()
    }

    fn may(&self, seat: usize, call: &Call) -> bool {
        let owns = self.owner == Some(seat);
        let may_wait = |value, wait: Wait| {
            let reason = Some(Reason { value, poisoned: self.poisoned });
            match wait.is_long() {
                true => self.reason.is_none() || self.reason == reason,
                // Nobody is to take the lock meanwhile.
                false => self.woken.is_empty() && self.reason.is_none_or(|r| r.value.is_none()),
            }
        };
        match *call {
            Call::Lock => self.owner.is_none(),
            Call::Unlock | Call::Panic | Call::Write(_) => owns,
            Call::Wait(wait) => owns && may_wait(None, wait),
            // When it is poisoned, waiting for a change ends by itself.
            Call::WaitWhile(value, wait) => owns && !self.poisoned && may_wait(Some(value), wait),
            // Who has not seen yet that it was poisoned would never.
            Call::ClearPoison => self.reason.is_none(),
            Call::NotifyOne | Call::Notify(_) | Call::NotifyAll => true,
        }
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Answer>) {
        match *call {
            Call::Wait(wait) => return self.wait(seat, None, wait, answers),
            Call::WaitWhile(value, wait) => return self.wait(seat, Some(value), wait, answers),
            Call::Lock => {
                self.owner = Some(seat);
                answers.give(seat, Answer::Locked(self.poisoned));
            }
            Call::Write(value) => {
                answers.give(seat, Answer::Wrote(replace(&mut self.value, value)));
            }
            Call::Panic => answers.panic(seat, INSIDE),
            _ => answers.give(seat, Answer::Done),
        }
        match *call {
            Call::Unlock => self.free(answers),
            Call::Panic => {
                self.poisoned = true;
                // Those who wait learn of it, unless they knew.
                if self.reason.is_some_and(|reason| !reason.poisoned) {
                    self.woken.append(&mut self.sleeping);
                }
                self.free(answers);
            }
            Call::ClearPoison => self.poisoned = false,
            Call::NotifyOne => self.notify(1, answers),
            Call::Notify(n) => self.notify(n as usize, answers),
            Call::NotifyAll => self.notify(usize::MAX, answers),
            _ => {}
        }
    }

    fn view(&self) {}
}

/// A guard, poisoned or not, and which.
fn opened<G>(result: Result<G, Poisoned<G>>) -> (G, bool) {
    match result {
        Ok(guard) => (guard, false),
        Err(poisoned) => (poisoned.into_inner(), true),
    }
}

#[derive(Clone)]
pub(crate) struct OnCondition<P>(P);

impl<P: Place<(Lock<u8>, Condition)>> Subject for OnCondition<P> {
    type Model = Monitor;

    fn make(_: &Monitor) -> Self {
        OnCondition(P::of((Lock::new(0), Condition::new())))
    }

    fn sit(self, seat: SeatOf<Monitor>) {
        let ((lock, condition), mut kept): (&(Lock<u8>, _), Option<LockGuard<u8>>) =
            (&self.0, None);
        seat.serve(|call| match call {
            Call::Lock => {
                let (guard, poisoned) = opened(lock.lock());
                kept = Some(guard);
                Answer::Locked(poisoned)
            }
            Call::Unlock => {
                kept = None;
                Answer::Done
            }
            Call::Panic => {
                let _inside = kept.take();
                resume_unwind(Box::new(INSIDE));
            }
            Call::ClearPoison => {
                lock.clear_poison();
                Answer::Done
            }
            Call::Write(value) => {
                Answer::Wrote(replace(kept.as_mut().expect("only the owner writes"), value))
            }
            Call::Wait(wait) => {
                let guard = kept.take().expect("only the owner waits");
                let ((guard, notified), poisoned) = match wait {
                    Wait::For(span) => opened(condition.wait_for(guard, span.duration())),
                    Wait::Until(span) => opened(condition.wait_until(guard, span.instant())),
                    _ => {
                        let (guard, poisoned) = opened(condition.wait(guard));
                        ((guard, true), poisoned)
                    }
                };
                kept = Some(guard);
                Answer::Waited(poisoned, notified)
            }
            Call::WaitWhile(value, wait) => {
                let guard = kept.take().expect("only the owner waits");
                let same = |now: &mut u8| *now == value;
                let ((guard, over), poisoned) = match wait {
                    Wait::For(span) => {
                        opened(condition.wait_while_for(guard, span.duration(), same))
                    }
                    Wait::Until(span) => {
                        opened(condition.wait_while_until(guard, span.instant(), same))
                    }
                    _ => {
                        let (guard, poisoned) = opened(condition.wait_while(guard, same));
                        ((guard, !poisoned), poisoned)
                    }
                };
                kept = Some(guard);
                Answer::Waited(poisoned, over)
            }
            Call::NotifyOne => {
                condition.notify_one();
                Answer::Done
            }
            Call::Notify(n) => {
                condition.notify(n);
                Answer::Done
            }
            Call::NotifyAll => {
                condition.notify_all();
                Answer::Done
            }
        });
    }

    fn view(&self) {}

    fn free(&self) {
        let (lock, condition) = &*self.0;
        // Nobody waits for such a value.
        *opened(lock.lock()).0 = u8::MAX;
        condition.notify_all();
    }
}

impl fmt::Debug for Monitor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(Lock::new(0), Condition::new())")
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Lock => f.write_str("lock()"),
            Call::Unlock => f.write_str("drop(guard)"),
            Call::Panic => f.write_str("panic!()"),
            Call::ClearPoison => f.write_str("clear_poison()"),
            Call::Write(value) => write!(f, "*guard = {value}"),
            Call::Wait(wait) => wait.written(f, "wait", "guard"),
            Call::WaitWhile(value, wait) => {
                wait.written(f, "wait_while", &format!("guard, |value| *value == {value}"))
            }
            Call::NotifyOne => f.write_str("notify_one()"),
            Call::Notify(n) => write!(f, "notify({n})"),
            Call::NotifyAll => f.write_str("notify_all()"),
        }
    }
}
