//! What the thread that runs does in the world.

use std::hash::Hash;
use std::panic::{Location, resume_unwind};
use std::rc::Rc;

use super::{
    Contents, Ends, Leave, Place, SLICES, Status, Task, Turn, Var, WORLD, World, digest, is_here,
    name_of, named, with,
};
use crate::sys::Wait;
use crate::sys::model::trace::{self, Action, Label};

/// Lets the search decide who goes on, and comes back when that is the caller. What it said is the
/// answer. Leaves, if the execution is over or the caller was killed.
fn pause(status: Status) -> Turn {
    with(|world| {
        world.me().status = status;
        world.at_step = true;
    });
    shuttle::thread::yield_now();
    let (over, turn) = with(|world| {
        let dead = world.me().status == Status::Dead;
        (world.over || dead, world.turn)
    });
    if over {
        resume_unwind(Box::new(Leave));
    }
    with(|world| world.me().status = Status::Ready);
    turn
}

/// Whether the caller is on its way out, where nothing is decided or seen any more.
fn leaving() -> bool {
    std::thread::panicking()
}

/// Whether the low bits are the name of a thread that was killed.
pub(crate) fn is_named_dead(value: u64) -> bool {
    with(|world| named(value).is_some_and(|task| world.is_dead(task)))
}

/// A new word.
pub(crate) fn make(value: u64, label: Label) -> Var {
    with(|world| {
        world.places.push(Place { value, sleepers: Vec::new(), label });
        world.places.len() - 1
    })
}

/// One access to a word, which `act` changes; it gives what the caller sees.
pub(crate) fn access(
    var: Var,
    what: &'static str,
    at: &'static Location<'static>,
    act: impl FnOnce(&mut u64) -> u64,
) -> u64 {
    if !leaving() {
        pause(Status::Ready);
    }
    with(|world| world.change(var, what, at, act))
}

impl World {
    fn change(
        &mut self,
        var: Var,
        what: &'static str,
        at: &'static Location<'static>,
        act: impl FnOnce(&mut u64) -> u64,
    ) -> u64 {
        let before = self.places[var].value;
        let seen = act(&mut self.places[var].value);
        if self.places[var].value != before {
            self.me().sliced = false;
        }
        if !leaving() {
            let after = self.places[var].value;
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
pub(crate) fn peek(var: Var) -> u64 {
    with(|world| {
        let value = world.places[var].value;
        if !leaving() {
            world.remember(("peek", var), &[value]);
        }
        value
    })
}

/// As [`peek`], to write.
pub(crate) fn poke(var: Var, value: u64) {
    with(|world| {
        world.places[var].value = value;
        if !leaving() {
            world.remember(("poke", var), &[value]);
        }
    });
}

/// Sleeps while the word has this value.
pub(crate) fn sleep(
    var: Var,
    expected: Option<u64>,
    ends: Ends,
    at: &'static Location<'static>,
) -> Wait {
    if leaving() {
        return Wait::Changed;
    }
    let seen = access(var, "wait", at, |value| *value);
    if expected.is_some_and(|expected| seen != expected) {
        return Wait::Changed;
    }
    with(|world| {
        let me = world.current;
        world.places[var].sleepers.push(me);
        world.me().woken = false;
        world.me().sliced = false;
        trace::note(me, Action::Sleeps { var: world.label(var) });
    });
    let turn = pause(Status::Asleep { var, ends });
    with(|world| {
        let me = world.current;
        let woken = std::mem::take(&mut world.me().woken);
        world.places[var].sleepers.retain(|&sleeper| sleeper != me);
        let wait = match turn {
            _ if woken => Wait::Woken,
            Turn::Expire => Wait::TimedOut,
            Turn::Slice | Turn::Early => Wait::Slice,
            _ => Wait::Changed,
        };
        trace::note(me, Action::Wakes { wait });
        world.remember(("woken", wait as u8), &[]);
        wait
    })
}

/// Changes a word by `act`, and wakes up to `n` who sleep on it, in one step.
pub(crate) fn wake(
    var: Var,
    (n, really): (u32, u32),
    what: &'static str,
    at: &'static Location<'static>,
    act: impl FnOnce(&mut u64),
) -> u32 {
    if !leaving() {
        pause(Status::Ready);
    }
    with(|world| {
        // What it was, no caller learns.
        world.change(var, what, at, |value| {
            act(value);
            0
        });
        let told = world.places[var].sleepers.len().min(n as usize) as u32;
        let woken = world.rouse(var, really);
        if !leaving() {
            trace::note(world.current, Action::Rouses { n: woken });
            world.remember("woke", &[u64::from(told)]);
        }
        told
    })
}

/// A step of the caller's own, at which it may be killed.
pub(crate) fn private_step(what: &'static str) {
    if leaving() {
        return;
    }
    if with(|world| world.deaths > 0 && !world.straight && world.me().mortal) {
        pause(Status::Private);
    }
    with(|world| world.remember(what, &[]));
}

/// Whether the time of a wait is over, which it can be at any moment.
pub(crate) fn is_late() -> bool {
    if !is_here() || leaving() || with(|world| world.straight) {
        return false;
    }
    let is_late = pause(Status::Asking) == Turn::Expire;
    with(|world| world.remember(("late", is_late), &[]));
    is_late
}

pub(crate) fn set_pending(var: Option<Var>) {
    if !leaving() {
        with(|world| world.me().pending = var);
    }
}

pub(crate) fn hold(var: Var) {
    if !leaving() {
        with(|world| world.me().held.push(var));
    }
}

pub(crate) fn let_go(var: Var) {
    if !leaving() {
        with(|world| world.me().held.retain(|&held| held != var));
    }
}

/// A thread that runs `body`; gives its number. With `gives`, it leaves something to who joins it.
pub(crate) fn spawn(
    kind: Option<u32>,
    mortal: bool,
    gives: bool,
    body: impl FnOnce() + 'static,
) -> Task {
    struct Here<F>(F);
    // SAFETY: the threads of a search are coroutines of one OS thread.
    unsafe impl<F> Send for Here<F> {}

    let task = with(|world| {
        let task = world.add(kind, mortal);
        trace::note(world.current, Action::Spawns(task));
        world.remember("spawn", &[]);
        task
    });
    let body = Here(body);
    shuttle::thread::spawn(move || {
        // The whole, so that it is sent as it is.
        let body = body;
        run(task, gives, body.0);
    });
    // It runs up to its first step, since what comes before it nobody sees; then the caller does.
    with(|world| {
        let me = world.current;
        world.forced.extend([me, task]);
    });
    shuttle::thread::yield_now();
    if with(|world| world.over) && !leaving() {
        resume_unwind(Box::new(Leave));
    }
    task
}

/// Runs the body of a thread, and notes how it ended. What it gives follows from what it has seen, which
/// is then kept.
pub(crate) fn run(task: Task, gives: bool, body: impl FnOnce()) {
    if with(|world| world.over) {
        return;
    }
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(body));
    with(|world| {
        if let Err(panic) = outcome
            && !panic.is::<Leave>()
            && world.failure.is_none()
        {
            world.failure = Some(trace::text_of(&*panic));
        }
        if world.threads[task].status != Status::Dead {
            world.threads[task].status = Status::Done;
        }
        let thread = &mut world.threads[task];
        if !gives || thread.status == Status::Dead {
            thread.memory = 0;
            thread.knows.clear();
        }
    });
}

/// Waits for the end of a thread, or of one that is alike; gives it, unless it was killed.
pub(crate) fn join(task: Task) -> Option<Task> {
    if leaving() {
        return None;
    }
    pause(Status::Joining(task));
    with(|world| {
        let joined = world.joined(task).expect("it goes on when one has ended");
        let lived = !world.is_dead(joined);
        let thread = &mut world.threads[joined];
        thread.is_joined = true;
        let given = std::mem::take(&mut thread.memory);
        let knows = std::mem::take(&mut thread.knows);
        let names: Vec<u64> = knows.into_iter().map(|other| name_of(other).into()).collect();
        world.remember(("joined", lived, given), &names);
        lived.then_some(joined)
    })
}

/// Waits until so many sleep.
pub(crate) fn let_sleep(n: usize) {
    if !leaving() {
        pause(Status::Awaiting(n));
        with(|world| world.remember("all asleep", &[]));
    }
}

pub(crate) fn sleepers() -> usize {
    with(|world| {
        let asleep = world.asleep();
        if !leaving() {
            world.remember("asleep", &[asleep as u64]);
        }
        asleep
    })
}

/// Milliseconds. They go by where a slice of a wait ends, and at no other time.
pub(crate) fn millis() -> u32 {
    const START: u32 = 1_000;
    const SLICE: u32 = 100;
    if !is_here() {
        return START;
    }
    with(|world| {
        let ended: u32 = world.threads.iter().map(|thread| SLICES - thread.slices).sum();
        let now = START + SLICE * ended;
        world.remember("time", &[now.into()]);
        now
    })
}

/// The caller has seen `what`, by other means than a word.
pub(crate) fn observe(what: impl Hash) {
    if !leaving() {
        with(|world| world.remember(what, &[]));
    }
}

/// All that the caller still knows is `what`: its memory begins anew.
pub(crate) fn forget_all_but(what: impl Hash) {
    if leaving() {
        return;
    }
    with(|world| {
        if world.rules.plain {
            return world.remember(what, &[]);
        }
        let me = world.me();
        me.memory = digest((7u8, what));
        me.knows.clear();
    });
}

/// From here on only one way is tried, or all again.
pub(crate) fn go_straight(on: bool) {
    if !leaving() {
        with(|world| world.straight = on);
    }
}

/// What the caller knew at one point of an operation: all that it has seen since, it forgets again
/// where it says so.
#[derive(Debug)]
pub(crate) struct Mark {
    memory: u64,
    knows: usize,
}

impl Mark {
    pub(crate) fn here() -> Self {
        if !is_here() {
            return Mark { memory: 0, knows: 0 };
        }
        with(|world| {
            let me = world.me();
            Mark { memory: me.memory, knows: me.knows.len() }
        })
    }

    /// What the caller goes on with is what it knew at the mark, and these: it has no other local that
    /// is still of use. Then the search needs not tell apart by what ways it came here. If it is not
    /// so, the search misses executions.
    #[track_caller]
    pub(crate) fn keeps(&self, values: &[u64]) {
        if !is_here() || leaving() {
            return;
        }
        // Where it stands, it knows too.
        let at = Location::caller();
        with(|world| {
            if !world.rules.plain {
                let me = world.me();
                me.memory = self.memory;
                me.knows.truncate(self.knows);
            }
            world.remember(("keeps", at.file(), at.line(), at.column()), values);
        });
    }
}

/// A new kind of threads that are alike.
pub(crate) fn kind() -> u32 {
    with(|world| {
        world.kinds += 1;
        world.kinds
    })
}

/// Data that is part of the state, until [`remove`].
pub(crate) fn enter(contents: Rc<dyn Contents>) -> usize {
    with(|world| {
        world.contents.push(Some(contents));
        world.contents.len() - 1
    })
}

pub(crate) fn remove(entered: usize) {
    WORLD.with_borrow_mut(|world| {
        if let Some(world) = world {
            world.contents[entered] = None;
        }
    });
}

/// The memory of the caller, as a stamp for what it leaves behind.
pub(crate) fn memory() -> u64 {
    with(|world| world.me().memory)
}
