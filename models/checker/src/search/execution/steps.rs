//! What the thread that runs does to the execution.

use std::hash::Hash;
use std::panic::resume_unwind;

use super::{Choice, Digest, EXECUTION, Execution, Leave, SLICES, Status, Variable, with};
use crate::executor::{At, Knowledge, ListChange, Start, ThreadId, VariableId, Wakes};
use crate::futex::{Timeouts, Wait};
use crate::robust::name_of;
use crate::time;
use crate::trace::{self, Action, Label};

/// Lets the search decide who goes on, and comes back when that is the caller. What it said is the
/// answer. Leaves, if the execution is over or the caller was killed.
pub(super) fn pause(status: Status) -> Choice {
    with(|execution| {
        execution.me().status = status;
        execution.at_step = true;
    });
    shuttle::thread::yield_now();
    let (over, choice) = with(|execution| {
        let dead = execution.me().status == Status::Dead;
        (execution.over || dead, execution.choice)
    });
    if over {
        resume_unwind(Box::new(Leave));
    }
    with(|execution| execution.me().status = Status::Ready);
    choice
}

/// Whether the caller is on its way out of the execution, and not only out of a panic of its own.
fn is_gone() -> bool {
    with(|execution| {
        execution.over || matches!(execution.me().status, Status::Dying | Status::Dead)
    })
}

/// Whether the caller is on its way out, where nothing is decided or seen any more.
pub(super) fn leaving() -> bool {
    std::thread::panicking()
}

/// By what name the others know the caller.
pub(in crate::search) fn my_name() -> u32 {
    with(|execution| name_of(execution.me().number))
}

/// A new variable.
pub(in crate::search) fn make(value: u64, label: Label) -> VariableId {
    with(|execution| {
        execution.variables.push(Variable { value, sleepers: Vec::new(), label });
        execution.variables.len() - 1
    })
}

/// One access to a variable, which `act` changes; it gives what the caller sees.
pub(in crate::search) fn access(
    var: VariableId,
    what: &'static str,
    at: At,
    act: impl FnOnce(&mut u64) -> u64,
) -> u64 {
    if !leaving() {
        pause(Status::Ready);
    }
    with(|execution| execution.change(var, what, at, act))
}

impl Execution {
    pub(super) fn change(
        &mut self,
        var: VariableId,
        what: &'static str,
        at: At,
        act: impl FnOnce(&mut u64) -> u64,
    ) -> u64 {
        let before = self.variables[var].value;
        let seen = act(&mut self.variables[var].value);
        if self.variables[var].value != before {
            self.me().sliced = false;
        }
        if !leaving() {
            let after = self.variables[var].value;
            trace::note(
                self.current,
                Action::Access { var: self.label(var), what, before, after, seen, at },
            );
            self.remember((what, var, at.line(), at.column()), &[seen]);
        }
        seen
    }
}

/// A plain value, which is no step: another cannot come between.
pub(in crate::search) fn peek(var: VariableId) -> u64 {
    with(|execution| {
        let value = execution.variables[var].value;
        if !leaving() {
            execution.remember(("peek", var), &[value]);
        }
        value
    })
}

/// As [`peek`], to write.
pub(in crate::search) fn poke(var: VariableId, value: u64) {
    with(|execution| {
        execution.variables[var].value = value;
        if !leaving() {
            execution.remember(("poke", var), &[value]);
        }
    });
}

/// Waits while the variable has this value.
pub(in crate::search) fn wait(
    var: VariableId,
    expected: Option<u64>,
    timeouts: Timeouts,
    at: At,
) -> Wait {
    if leaving() {
        return Wait::Changed;
    }
    let seen = access(var, "wait", at, |value| *value);
    if expected.is_some_and(|expected| seen != expected) {
        return Wait::Changed;
    }
    with(|execution| {
        let me = execution.current;
        execution.variables[var].sleepers.push(me);
        execution.me().woken = false;
        execution.me().sliced = false;
        trace::note(me, Action::Waits { var: execution.label(var) });
    });
    let choice = pause(Status::Asleep { var, timeouts });
    with(|execution| {
        let me = execution.current;
        let woken = std::mem::take(&mut execution.me().woken);
        execution.variables[var].sleepers.retain(|&sleeper| sleeper != me);
        let wait = match choice {
            _ if woken => Wait::Woken,
            Choice::TimeOut => Wait::TimedOut,
            Choice::Slice | Choice::EarlySlice => Wait::Slice,
            _ => Wait::Changed,
        };
        trace::note(me, Action::Returns { wait });
        execution.remember(("woken", wait as u8), &[]);
        wait
    })
}

/// Changes a variable by `act`, and wakes up to `n` who wait on it, in one step.
pub(in crate::search) fn wake(
    var: VariableId,
    Wakes { n, really }: Wakes,
    what: &'static str,
    at: At,
    act: impl FnOnce(&mut u64),
) -> u32 {
    if !leaving() {
        pause(Status::Ready);
    }
    with(|execution| {
        // What it was, no caller learns.
        execution.change(var, what, at, |value| {
            act(value);
            0
        });
        let told = execution.variables[var].sleepers.len().min(n as usize) as u32;
        let woken = execution.wake_sleepers(var, really);
        if !leaving() {
            trace::note(execution.current, Action::Wakes { n: woken });
            execution.remember("woke", &[u64::from(told)]);
        }
        told
    })
}

/// A step of the caller's own, at which it may be killed.
pub(in crate::search) fn private_step(what: &'static str) {
    if leaving() {
        return;
    }
    if with(|execution| execution.deaths > 0 && !execution.single_path && execution.me().mortal) {
        pause(Status::Private);
    }
    with(|execution| execution.remember(what, &[]));
}

/// Whether the time of a wait is over, which it can be at any moment.
pub(in crate::search) fn is_late() -> bool {
    if leaving() || with(|execution| execution.single_path) {
        return false;
    }
    let is_late = pause(Status::Asking) == Choice::TimeOut;
    with(|execution| execution.remember(("late", is_late), &[]));
    is_late
}

/// Changes the caller's robust list.
pub(in crate::search) fn change_list(change: ListChange) {
    if is_gone() {
        return;
    }
    with(|execution| {
        let me = execution.me();
        match change {
            ListChange::SetPending(var) => me.pending = Some(var),
            ListChange::ClearPending => me.pending = None,
            ListChange::Add(var) => me.held.push(var),
            ListChange::Remove(var) => me.held.retain(|&held| held != var),
        }
    });
}

/// Starts a thread; gives which it is.
pub(in crate::search) fn spawn(start: Start) -> ThreadId {
    struct Here<F>(F);
    // SAFETY: the threads of a search are coroutines of one OS thread.
    unsafe impl<F> Send for Here<F> {}

    let Start { kind, mortal, gives, number_of, body } = start;
    let id = with(|execution| {
        let id = execution.add(kind, mortal);
        if let Some(dead) = number_of {
            execution.threads[id].number = execution.threads[dead].number;
        }
        trace::note(execution.current, Action::Spawns(id));
        execution.remember("spawn", &[]);
        id
    });
    let body = Here(body);
    shuttle::thread::spawn(move || {
        // The whole, so that it is sent as it is.
        let body = body;
        run(id, gives, body.0);
    });
    // It runs up to its first step, since what comes before it nobody sees; then the caller does.
    with(|execution| {
        let me = execution.current;
        execution.forced.extend([me, id]);
    });
    shuttle::thread::yield_now();
    if with(|execution| execution.over) && !leaving() {
        resume_unwind(Box::new(Leave));
    }
    id
}

/// Runs the body of a thread, and notes how it ended. What it gives follows from what it has seen, which
/// is then kept.
pub(in crate::search) fn run(id: ThreadId, gives: bool, body: impl FnOnce()) {
    if with(|execution| execution.over) {
        return;
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    with(|execution| {
        // A program that has caught the way out of it does nothing that counts any more.
        let is_gone =
            execution.over || matches!(execution.threads[id].status, Status::Dying | Status::Dead);
        if let Err(panic) = outcome
            && !panic.is::<Leave>()
            && !is_gone
            && execution.failure.is_none()
        {
            execution.failure = Some(trace::text_of(&*panic));
        }
        if execution.threads[id].status != Status::Dead {
            execution.threads[id].status = Status::Done;
            if !execution.over && execution.failure.is_none() {
                execution.failure = execution.left_on_list(id);
            }
        }
        let thread = &mut execution.threads[id];
        if !gives || thread.status == Status::Dead {
            thread.memory = 0;
            thread.knows.clear();
        }
    });
}

/// Waits for the end of a thread, or of one that is alike; gives it, unless it was killed.
pub(in crate::search) fn join(id: ThreadId) -> Option<ThreadId> {
    if leaving() {
        return None;
    }
    pause(Status::Joining(id));
    with(|execution| {
        let joined = execution.joined(id).expect("it goes on when one has ended");
        let lived = !execution.is_dead(joined);
        let thread = &mut execution.threads[joined];
        thread.is_joined = true;
        let given = std::mem::take(&mut thread.memory);
        let knows = std::mem::take(&mut thread.knows);
        let names: Vec<u64> = knows.into_iter().map(|other| name_of(other).into()).collect();
        execution.remember(("joined", lived, given), &names);
        lived.then_some(joined)
    })
}

/// Waits until so many sleep.
pub(in crate::search) fn let_sleep(n: usize) {
    if !is_gone() {
        pause(Status::AwaitingSleepers(n));
        with(|execution| execution.remember("all asleep", &[]));
    }
}

pub(in crate::search) fn sleepers() -> usize {
    with(|execution| {
        let asleep = execution.asleep();
        if !leaving() {
            execution.remember("asleep", &[asleep as u64]);
        }
        asleep
    })
}

/// Milliseconds. They go by where a slice of a wait ends, and at no other time.
pub(in crate::search) fn millis() -> u32 {
    with(|execution| {
        let ended: u32 = execution.threads.iter().map(|thread| SLICES - thread.slices).sum();
        let now = time::START + time::SLICE * ended;
        execution.remember("time", &[now.into()]);
        now
    })
}

/// The caller has seen `what`, by other means than a word.
pub(in crate::search) fn observe(what: impl Hash) {
    if !leaving() {
        with(|execution| execution.remember(what, &[]));
    }
}

/// All that the caller still knows is `what`: its memory begins anew.
pub(in crate::search) fn forget_all_but(what: u64) {
    if leaving() {
        return;
    }
    with(|execution| {
        if execution.rules.plain {
            return execution.remember(what, &[]);
        }
        let me = execution.me();
        me.memory = what;
        me.knows.clear();
    });
}

/// From here on only one way is tried, or all again.
pub(in crate::search) fn explore_single_path(on: bool) {
    if !leaving() {
        with(|execution| execution.single_path = on);
    }
}

pub(in crate::search) fn knowledge() -> Knowledge {
    with(|execution| {
        let me = execution.me();
        Knowledge { memory: me.memory, knows: me.knows.len() }
    })
}

/// What the caller goes on with is what it knew then, and these values.
pub(in crate::search) fn knows_again(knowledge: &Knowledge, values: &[u64], at: At) {
    if leaving() {
        return;
    }
    with(|execution| {
        if !execution.rules.plain {
            let me = execution.me();
            me.memory = knowledge.memory;
            me.knows.truncate(knowledge.knows);
        }
        // Where it stands, it knows too.
        execution.remember(("keeps", at.file(), at.line(), at.column()), values);
    });
}

/// A new kind of threads that are alike.
pub(in crate::search) fn kind() -> u32 {
    with(|execution| {
        execution.kinds += 1;
        execution.kinds
    })
}

/// Data that is part of the state, until [`remove`].
pub(in crate::search) fn enter(contents: Digest) -> usize {
    with(|execution| {
        execution.contents.push(Some(contents));
        execution.contents.len() - 1
    })
}

pub(in crate::search) fn remove(entered: usize) {
    EXECUTION.with_borrow_mut(|execution| {
        if let Some(execution) = execution {
            execution.contents[entered] = None;
        }
    });
}

/// The memory of the caller, as a stamp for what it leaves behind.
pub(in crate::search) fn memory() -> u64 {
    with(|execution| execution.me().memory)
}
