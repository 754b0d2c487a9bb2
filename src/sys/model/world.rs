//! The machine of the search: words, sleepers and threads as plain data, with one thread at a time at
//! its next step. What loom cannot reach in size, this does, but sees no stale value: every load is of
//! the latest.
//!
//! A *step* is one access to a shared word, or a sleep or wake in it. Before each, the search decides
//! who goes on (`search.rs`). What a thread does next depends on what it has seen until now and on
//! nothing else, so a digest of that, its *memory*, stands for its program counter and its locals.
//! Words, cells, queues and memories together are the state of the whole.

mod death;
mod digest;
mod steps;
mod turns;
mod versions;

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use crate::sys::model::search::{Search, Slices};
use crate::sys::model::trace::{self, Label};

pub(crate) use death::{ask_after, is_named_dead};
pub(crate) use steps::*;
pub(crate) use versions::{exchange_versioned, see_version};

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

/// So often in one execution a slice of a thread's waits ends, once somebody has died. (Of each: nobody
/// who waits in vain takes the time from those who would find something.)
const SLICES: u32 = 8;

/// The name of those that bear this number.
pub(crate) fn name_of(number: Task) -> u32 {
    NAMES as u32 | number as u32
}

/// The number of those whose name the low bits are: that of the first of them.
pub(super) fn named(value: u64) -> Option<Task> {
    (value & NAMED == NAMES).then_some((value & !NAMED & OWNER) as Task)
}

/// What the search has a thread do next.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Turn {
    /// Its next step.
    Go,
    /// It is killed before its next step.
    Die,
    /// It is the one who is woken, of several.
    Wake,
    /// Of one that was killed, the kernel comes to the next lock.
    Bury,
    /// Its wait ends: the time is over (so it is, too, for one who asks), or a slice of it, or for no reason.
    Expire,
    Slice,
    Spurious,
    /// A slice of its wait ends, though others can go on.
    Early,
}

/// What a thread is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Status {
    /// At a step.
    Ready,
    /// At a step that nobody else sees: only whether it is killed there is to be decided.
    Private,
    /// Asks whether it is late.
    Asking,
    Asleep {
        var: Var,
        ends: Ends,
    },
    /// Waits for the end of another; of those that are alike, for whichever ends.
    Joining(Task),
    /// Waits until so many sleep.
    Awaiting(usize),
    Done,
    /// Was killed, and the kernel is not yet through with its robust list.
    Dying,
    Dead,
}

/// How a wait may end but by a wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ends {
    pub(crate) in_time: bool,
    pub(crate) in_slices: bool,
}

struct Thread {
    status: Status,
    /// The number that it bears: its own, or that of a dead one.
    number: Task,
    memory: u64,
    /// Whom it knows of: the names among what it has seen, in order.
    knows: Vec<Task>,
    woken: bool,
    is_joined: bool,
    /// Whether it may be killed.
    mortal: bool,
    /// Threads of one kind run the same program on the same values.
    kind: Option<u32>,
    /// The locks on its robust list, oldest first, and the pending one.
    held: Vec<Var>,
    pending: Option<Var>,
    /// The word whose newest version it has seen.
    version: Option<Var>,
    /// So many slices of its waits can still end.
    slices: u32,
    /// One has ended, and it has only looked since.
    sliced: bool,
}

struct Place {
    value: u64,
    sleepers: Vec<Task>,
    label: Label,
}

/// Data that a protocol guards.
pub(crate) trait Contents {
    /// A digest of it.
    fn digest(&self) -> u64;
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
    rules: Search,
    /// How many there may still be.
    deaths: u32,
    spurious: u32,
    early: u32,
    kinds: u32,
    /// So many of those who sleep there are woken; who, is to be decided.
    owed: Option<(Var, usize)>,
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
pub(crate) fn begin(rules: Search) {
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
        early: rules.early,
        rules,
        kinds: 0,
        owed: None,
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
            number: self.threads.len(),
            memory: 0,
            knows: Vec::new(),
            woken: false,
            is_joined: false,
            mortal,
            kind: kind.filter(|_| !self.rules.plain),
            held: Vec::new(),
            pending: None,
            version: None,
            slices: SLICES,
            sliced: false,
        });
        assert!(self.threads.len() <= 32, "a search has room for 32 threads");
        self.threads.len() - 1
    }

    /// Whether this search is about deaths, or about who looks for them.
    pub(crate) fn has_deaths(&self) -> bool {
        self.rules.deaths > 0 || self.rules.early > 0
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
        let number = thread.number;
        let mut hasher = DefaultHasher::new();
        thread.memory.hash(&mut hasher);
        what.hash(&mut hasher);
        for &value in values {
            match named(value) {
                Some(other) if other == number => (1u8, value & !OWNER).hash(&mut hasher),
                Some(other) => {
                    (2u8, value & !OWNER).hash(&mut hasher);
                    thread.knows.push(other);
                }
                None => (0u8, value).hash(&mut hasher),
            }
        }
        thread.memory = hasher.finish();
    }

    fn asleep(&self) -> usize {
        let owed = self.owed.map_or(0, |(_, n)| n);
        self.places.iter().map(|place| place.sleepers.len()).sum::<usize>() - owed
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

    /// The execution is over: all leave.
    pub(crate) fn finish(&mut self) {
        self.over = true;
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over
    }
}
