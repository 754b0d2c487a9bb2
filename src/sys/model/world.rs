//! The machine of the search: words, sleepers and threads as plain data, with one thread at a time at
//! its next step. What loom cannot reach in size, this does, but sees no stale value: every load is of
//! the latest.
//!
//! A *step* is one access to a shared word, or a sleep or wake in it. Before each, the search decides
//! who goes on (`search.rs`). What a thread does next depends on what it has seen until now and on
//! nothing else, so a digest of that, its *memory*, stands for its program counter and its locals.
//! Words, cells, queues and memories together are the state of the whole.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::panic::{Location, resume_unwind};
use std::rc::Rc;

use crate::sys::Wait;
use crate::sys::model::trace::{self, Action, Label};

/// Number of a thread, in the order in which they were spawned; 0 is the program's own.
pub(crate) type Task = usize;

/// Number of a word, in the order in which they were made.
pub(crate) type Var = usize;

/// What peers know a thread by: so odd a number that no count comes to it, so that it is recognised
/// wherever it stands, and threads that are alike can change places.
const NAMES: u64 = 0x2A51_7C60;
const NAMED: u64 = 0x3FFF_FFE0;

/// The kernel's bits in the word of a robust lock.
const OWNER: u64 = 0x3FFF_FFFF;
const OWNER_DIED: u64 = 0x4000_0000;
const WAITERS: u64 = 0x8000_0000;

/// So often in one execution a slice of a wait ends, once somebody has died.
const SLICES: u32 = 24;

pub(crate) fn name_of(task: Task) -> u32 {
    NAMES as u32 | task as u32
}

/// The thread whose name the low bits are.
fn named(value: u64) -> Option<Task> {
    (value & NAMED == NAMES).then_some((value & !NAMED & OWNER) as Task)
}

/// What the search has a thread do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    /// Its next step.
    Go,
    /// It is killed before its next step.
    Die,
    /// Its wait ends: the time is over, or a slice of it, or for no reason.
    Expire,
    Slice,
    Spurious,
}

/// What a thread is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    /// At a step.
    Ready,
    /// At a step that nobody else sees: only whether it is killed there is to be decided.
    Private,
    Asleep {
        var: Var,
        ends: Ends,
    },
    /// Waits for the end of another.
    Joining(Task),
    /// Waits until so many sleep.
    Awaiting(usize),
    Done,
    Dead,
}

/// How a wait may end but by a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Ends {
    Never,
    InSlices,
    InTime,
}

struct Thread {
    status: Status,
    memory: u64,
    /// Whom it knows of: the names among what it has seen, in order.
    knows: Vec<Task>,
    woken: bool,
    /// Whether it may be killed.
    mortal: bool,
    /// Threads of one kind run the same program on the same values.
    kind: Option<u32>,
    /// The locks on its robust list, oldest first, and the pending one.
    held: Vec<Var>,
    pending: Option<Var>,
}

struct Place {
    value: u64,
    sleepers: VecDeque<Task>,
    label: Label,
}

/// Data that a protocol guards.
pub(crate) trait Contents {
    /// A digest of it.
    fn digest(&self) -> u64;
}

/// What a search is to take into account.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rules {
    /// How many threads may be killed in one execution, of those that may.
    pub(crate) deaths: u32,
    /// How many waits may end for no reason.
    pub(crate) spurious: u32,
    /// Threads that are alike are told apart, and what a thread forgot is kept: to check the reductions.
    pub(crate) plain: bool,
}

pub(crate) struct World {
    threads: Vec<Thread>,
    places: Vec<Place>,
    contents: Vec<Option<Rc<dyn Contents>>>,
    /// Who runs, and what the search said.
    current: Task,
    turn: Turn,
    /// Whether the current thread stands at a step, for the search to decide.
    pub(crate) at_step: bool,
    rules: Rules,
    deaths: u32,
    spurious: u32,
    slices: u32,
    kinds: u32,
    /// Only one way is tried: that in which nobody is interrupted.
    straight: bool,
    /// The execution is over: whoever runs on only leaves.
    over: bool,
    pub(crate) failure: Option<String>,
    /// Who is to run without a decision, the last first: a new thread up to its first step, then who
    /// spawned it.
    pub(crate) forced: Vec<Task>,
}

/// The panic by which a thread leaves an execution that is over.
struct Leave;

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Whether this OS thread is at a search.
pub(crate) fn is_here() -> bool {
    WORLD.with_borrow(Option::is_some)
}

pub(crate) fn with<R>(act: impl FnOnce(&mut World) -> R) -> R {
    WORLD.with_borrow_mut(|world| act(world.as_mut().expect("a search goes on")))
}

/// Begins an execution.
pub(crate) fn begin(rules: Rules) {
    trace::clear();
    let mut world = World {
        threads: Vec::new(),
        places: Vec::new(),
        contents: Vec::new(),
        current: 0,
        turn: Turn::Go,
        at_step: false,
        deaths: rules.deaths,
        spurious: rules.spurious,
        rules,
        slices: SLICES,
        kinds: 0,
        straight: false,
        over: false,
        failure: None,
        forced: Vec::new(),
    };
    world.add(None, false);
    WORLD.set(Some(world));
}

/// Ends it.
pub(crate) fn end() -> Option<World> {
    WORLD.take()
}

fn digest(of: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

impl World {
    fn add(&mut self, kind: Option<u32>, mortal: bool) -> Task {
        self.threads.push(Thread {
            status: Status::Ready,
            memory: 0,
            knows: Vec::new(),
            woken: false,
            mortal,
            kind: kind.filter(|_| !self.rules.plain),
            held: Vec::new(),
            pending: None,
        });
        assert!(self.threads.len() <= 32, "a search has room for 32 threads");
        self.threads.len() - 1
    }

    pub(crate) fn current(&self) -> Task {
        self.current
    }

    fn me(&mut self) -> &mut Thread {
        &mut self.threads[self.current]
    }

    /// The current thread has seen `what`; names in `values` are kept apart from it.
    fn remember(&mut self, what: impl Hash, values: &[u64]) {
        let me = self.current;
        let thread = &mut self.threads[me];
        let mut hasher = DefaultHasher::new();
        thread.memory.hash(&mut hasher);
        what.hash(&mut hasher);
        for &value in values {
            match named(value) {
                Some(task) if task == me => (1u8, value & !OWNER).hash(&mut hasher),
                Some(task) => {
                    (2u8, value & !OWNER).hash(&mut hasher);
                    thread.knows.push(task);
                }
                None => (0u8, value).hash(&mut hasher),
            }
        }
        thread.memory = hasher.finish();
    }

    fn asleep(&self) -> usize {
        self.places.iter().map(|place| place.sleepers.len()).sum()
    }

    /// What may happen next: nothing, where nobody can go on.
    pub(crate) fn turns(&self) -> Vec<(Task, Turn)> {
        if self.threads[self.current].status == Status::Private {
            return vec![(self.current, Turn::Go), (self.current, Turn::Die)];
        }
        // The current one first: so a failure is found with few changes of thread.
        let others = (0..self.threads.len()).filter(|&task| task != self.current);
        let order: Vec<Task> = std::iter::once(self.current).chain(others).collect();
        let asleep = self.asleep();
        let mut turns = Vec::new();
        for &task in &order {
            match self.threads[task].status {
                Status::Ready | Status::Private => turns.push((task, Turn::Go)),
                Status::Joining(other) if self.has_ended(other) => turns.push((task, Turn::Go)),
                Status::Awaiting(n) if asleep >= n => turns.push((task, Turn::Go)),
                Status::Asleep { ends, .. } => {
                    if ends == Ends::InTime {
                        turns.push((task, Turn::Expire));
                    }
                    if self.spurious > 0 {
                        turns.push((task, Turn::Spurious));
                    }
                }
                _ => {}
            }
        }
        // Slices end only where they must, or they would hide a wake that was lost.
        let someone_died = self.threads.iter().any(|thread| thread.status == Status::Dead);
        if turns.is_empty() && someone_died && self.slices > 0 {
            turns.extend(order.iter().filter_map(|&task| match self.threads[task].status {
                Status::Asleep { ends: Ends::InSlices, .. } => Some((task, Turn::Slice)),
                _ => None,
            }));
        }
        if self.straight {
            turns.sort_by_key(|&(_, turn)| turn != Turn::Go);
            turns.truncate(1);
        } else if !turns.is_empty() && self.deaths > 0 {
            let mortal = |&task: &Task| self.threads[task].mortal && !self.has_ended(task);
            turns.extend(order.into_iter().filter(mortal).map(|task| (task, Turn::Die)));
        }
        turns
    }

    fn has_ended(&self, task: Task) -> bool {
        matches!(self.threads[task].status, Status::Done | Status::Dead)
    }

    /// Whether all have ended who still can.
    pub(crate) fn is_done(&self) -> bool {
        (0..self.threads.len()).all(|task| self.has_ended(task))
    }

    /// Why nobody can go on.
    pub(crate) fn deadlock(&self) -> String {
        let mut text = String::from("deadlock:");
        for (task, thread) in self.threads.iter().enumerate() {
            let what = match thread.status {
                Status::Asleep { var, .. } => format!("sleeps on {}", self.label(var)),
                Status::Joining(other) => format!("waits for the end of thread {other}"),
                Status::Awaiting(n) => format!("waits until {n} sleep"),
                Status::Dead => "is dead".to_owned(),
                _ => continue,
            };
            text.push_str(&format!(" thread {task} {what};"));
        }
        text.trim_end_matches(';').to_owned()
    }

    fn label(&self, var: Var) -> Label {
        self.places[var].label
    }

    /// Does what was decided; the thread finds it when it runs on.
    pub(crate) fn decide(&mut self, task: Task, turn: Turn) {
        self.current = task;
        self.turn = turn;
        match turn {
            Turn::Die => self.kill(task),
            Turn::Spurious => self.spurious -= 1,
            Turn::Slice => self.slices -= 1,
            Turn::Go | Turn::Expire => {}
        }
    }

    pub(crate) fn is_dead(&self, task: Task) -> bool {
        self.threads[task].status == Status::Dead
    }

    /// Kills a thread, and does what the kernel then does with its robust list.
    fn kill(&mut self, task: Task) {
        self.deaths -= 1;
        trace::note(task, Action::Dies);
        for place in &mut self.places {
            place.sleepers.retain(|&sleeper| sleeper != task);
        }
        let thread = &mut self.threads[task];
        thread.status = Status::Dead;
        let (held, pending) = (std::mem::take(&mut thread.held), thread.pending.take());
        let name = u64::from(name_of(task));
        for &var in held.iter().rev().filter(|&&var| Some(var) != pending) {
            self.bury(var, name, false);
        }
        if let Some(var) = pending {
            self.bury(var, name, true);
        }
    }

    fn bury(&mut self, var: Var, name: u64, pending: bool) {
        let word = self.places[var].value;
        if pending && word & OWNER == 0 {
            self.rouse(var, 1);
        } else if word & OWNER == name {
            self.places[var].value = word & WAITERS | OWNER_DIED;
            if word & WAITERS != 0 {
                self.rouse(var, 1);
            }
        }
    }

    fn rouse(&mut self, var: Var, n: u32) -> u32 {
        let sleepers = &mut self.places[var].sleepers;
        let count = sleepers.len().min(n as usize);
        for task in sleepers.drain(..count) {
            let thread = &mut self.threads[task];
            thread.woken = true;
            thread.status = Status::Ready;
        }
        count as u32
    }

    /// The state of the whole: two that are equal, but for who is who among threads that are alike,
    /// have one digest.
    pub(crate) fn state(&self) -> u128 {
        // Where each stands for the others to see: as what they sleep behind, and as what they find.
        let mut stands = vec![(0usize, 0u64); self.threads.len()];
        for (var, place) in self.places.iter().enumerate() {
            for (at, &task) in place.sleepers.iter().enumerate() {
                stands[task].0 = at + 1;
            }
            if let Some(task) = named(place.value) {
                stands[task].1 = digest((stands[task].1, var));
            }
        }
        let locals: Vec<u64> = self
            .threads
            .iter()
            .zip(stands)
            .map(|(thread, stands)| {
                let status = match thread.status {
                    Status::Joining(_) => Status::Ready,
                    Status::Private => Status::Ready,
                    status => status,
                };
                digest((status, thread.memory, thread.kind, thread.mortal, thread.woken, stands))
            })
            .collect();
        let mut order: Vec<Task> = (0..self.threads.len()).collect();
        order.sort_by_key(|&task| match self.threads[task].kind {
            // Those of a kind stand together, where the first of them was.
            Some(kind) => (1, u64::from(kind), locals[task], task),
            None => (0, task as u64, 0, task),
        });
        let mut rank = vec![0usize; order.len()];
        for (at, &task) in order.iter().enumerate() {
            rank[task] = at;
        }
        let half = |seed: u64| {
            let mut hasher = DefaultHasher::new();
            (seed, self.deaths, self.spurious, self.slices, self.straight).hash(&mut hasher);
            for place in &self.places {
                match named(place.value) {
                    Some(task) => (1u8, place.value & !OWNER, rank[task]).hash(&mut hasher),
                    None => (0u8, place.value).hash(&mut hasher),
                }
                place.sleepers.len().hash(&mut hasher);
                place.sleepers.iter().for_each(|&task| rank[task].hash(&mut hasher));
            }
            for contents in self.contents.iter().flatten() {
                contents.digest().hash(&mut hasher);
            }
            for &task in &order {
                let thread = &self.threads[task];
                locals[task].hash(&mut hasher);
                thread.knows.len().hash(&mut hasher);
                thread.knows.iter().for_each(|&other| rank[other].hash(&mut hasher));
                if let Status::Joining(other) = thread.status {
                    rank[other].hash(&mut hasher);
                }
                (&thread.held, thread.pending).hash(&mut hasher);
            }
            hasher.finish()
        };
        u128::from(half(1)) << 64 | u128::from(half(2))
    }

    /// The execution is over: all leave.
    pub(crate) fn finish(&mut self) {
        self.over = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}

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
        world.places.push(Place { value, sleepers: VecDeque::new(), label });
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
pub(crate) fn sleep(var: Var, expected: u64, ends: Ends, at: &'static Location<'static>) -> Wait {
    if leaving() {
        return Wait::Changed;
    }
    if access(var, "wait", at, |value| *value) != expected {
        return Wait::Changed;
    }
    with(|world| {
        let me = world.current;
        world.places[var].sleepers.push_back(me);
        world.me().woken = false;
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
            Turn::Slice => Wait::Slice,
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
    n: u32,
    what: &'static str,
    at: &'static Location<'static>,
    act: impl FnOnce(&mut u64) -> u64,
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
        let woken = world.rouse(var, n);
        if !leaving() {
            trace::note(world.current, Action::Rouses { n: woken });
            world.remember("woke", &[u64::from(woken)]);
        }
        woken
    })
}

/// A step of the caller's own, at which it may be killed.
pub(crate) fn private_step(what: &'static str) {
    if leaving() {
        return;
    }
    if with(|world| world.deaths > 0 && world.me().mortal) {
        pause(Status::Private);
    }
    with(|world| world.remember(what, &[]));
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

/// A thread that runs `body`; gives its number.
pub(crate) fn spawn(kind: Option<u32>, mortal: bool, body: impl FnOnce() + 'static) -> Task {
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
        run(task, body.0);
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

/// Runs the body of a thread, and notes how it ended.
pub(crate) fn run(task: Task, body: impl FnOnce()) {
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
        thread.memory = 0;
        thread.knows.clear();
    });
}

/// Waits for the end of a thread; false if it was killed.
pub(crate) fn join(task: Task) -> bool {
    if leaving() {
        return false;
    }
    pause(Status::Joining(task));
    with(|world| {
        let lived = !world.is_dead(task);
        world.remember(("joined", lived), &[]);
        lived
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
    pub(crate) fn keeps(&self, values: &[u64]) {
        if !is_here() || leaving() {
            return;
        }
        with(|world| {
            if !world.rules.plain {
                let me = world.me();
                me.memory = self.memory;
                me.knows.truncate(self.knows);
            }
            world.remember("keeps", values);
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
