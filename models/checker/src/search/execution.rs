//! One execution as the search has it: variables, waiters and threads as plain data, with one thread at a
//! time at its next step. What loom cannot reach in size, this does, but sees no stale value: every load is
//! of the latest.
//!
//! A *step* is one access to a variable, or a wait or wake on it. Before each, the search decides who goes
//! on. What a thread does next depends on what it has seen until now and on nothing else, so a digest of
//! that, its *memory*, stands for its program counter and its locals. Variables, cells, waiters and memories
//! together are the state of the whole.

mod choices;
mod death;
mod digest;
mod steps;
mod versions;

use std::cell::RefCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;

use super::{Search, Slices};
use crate::executor::{ThreadId, VariableId};
use crate::futex::Timeouts;
use crate::robust::{MOST_THREADS, thread_named, without_name};
use crate::trace::{self, Label};

pub(super) use death::{is_named_dead, is_named_dead_in_step};
pub(super) use steps::*;
pub(super) use versions::{exchange_version, see_version};

/// So often in one execution a slice of a thread's waits ends, once somebody has died. (Of each: nobody
/// who waits in vain takes the time from those who would find something.)
const SLICES: u32 = 8;

/// What may happen next to a thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Choice {
    /// It takes its next step.
    Step,
    /// It is killed before its next step.
    Kill,
    /// It is the one who is woken, of several.
    Wake,
    /// It was killed, and the kernel comes to the next lock on its robust list.
    WalkList,
    /// Its wait ends because its deadline has passed. (So it has, too, for one who asks.)
    TimeOut,
    /// A slice of its wait ends.
    Slice,
    /// Its wait ends for no reason.
    Spurious,
    /// A slice of its wait ends, though others can go on.
    EarlySlice,
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
        var: VariableId,
        timeouts: Timeouts,
    },
    /// Waits for the end of another; of those that are alike, for whichever ends.
    Joining(ThreadId),
    /// Waits until so many wait on a futex.
    AwaitingSleepers(usize),
    Done,
    /// Was killed, and the kernel is not yet through with its robust list.
    Dying,
    Dead,
}

struct Thread {
    status: Status,
    /// The number in its name: its own, or that of one that was killed.
    number: ThreadId,
    memory: u64,
    /// Whom it knows of: the numbers in the names among what it has seen, in order.
    knows: Vec<ThreadId>,
    woken: bool,
    is_joined: bool,
    /// Whether it may be killed.
    mortal: bool,
    /// Threads of one kind run the same program on the same values.
    kind: Option<u32>,
    /// The locks on its robust list, oldest first, and the pending one.
    held: Vec<VariableId>,
    pending: Option<VariableId>,
    /// The variable whose newest version it has seen.
    version: Option<VariableId>,
    /// So many slices of its waits can still end.
    slices: u32,
    /// One has ended, and it has only looked since.
    sliced: bool,
}

struct Variable {
    value: u64,
    sleepers: Vec<ThreadId>,
    label: Label,
}

/// Gives a digest of something that is part of the state.
type Digest = Rc<dyn Fn() -> u64>;

pub(super) struct Execution {
    threads: Vec<Thread>,
    variables: Vec<Variable>,
    contents: Vec<Option<Digest>>,
    /// Which thread runs, and what was chosen for it.
    current: ThreadId,
    choice: Choice,
    /// Whether the current thread stands at a step, for the search to decide.
    pub(super) at_step: bool,
    rules: Search,
    /// How many there may still be.
    deaths: u32,
    spurious: u32,
    early: u32,
    kinds: u32,
    /// So many of those who sleep there are woken; who, is to be decided.
    pending_wakes: Option<(VariableId, usize)>,
    /// Only one way is tried: that in which nobody is preempted.
    single_path: bool,
    /// The execution is over: whoever runs on only unwinds.
    over: bool,
    pub(super) failure: Option<String>,
    /// Who is to run without a decision, the last first: a new thread up to its first step, then who
    /// spawned it.
    pub(super) forced: Vec<ThreadId>,
}

/// The panic by which a thread leaves an execution that is over.
struct Leave;

thread_local! {
    static EXECUTION: RefCell<Option<Execution>> = const { RefCell::new(None) };
}

/// Whether this OS thread runs an execution of a search.
pub(crate) fn is_running() -> bool {
    EXECUTION.with_borrow(Option::is_some)
}

pub(super) fn with<R>(act: impl FnOnce(&mut Execution) -> R) -> R {
    EXECUTION.with_borrow_mut(|execution| act(execution.as_mut().expect("a search goes on")))
}

/// Begins an execution.
pub(super) fn begin(rules: Search) {
    trace::clear();
    let mut execution = Execution {
        threads: Vec::new(),
        variables: Vec::new(),
        contents: Vec::new(),
        current: 0,
        choice: Choice::Step,
        at_step: false,
        deaths: rules.deaths,
        spurious: rules.spurious,
        early: rules.early,
        rules,
        kinds: 0,
        pending_wakes: None,
        single_path: false,
        over: false,
        failure: None,
        forced: Vec::new(),
    };
    execution.add(None, false);
    EXECUTION.set(Some(execution));
}

/// Ends it.
pub(super) fn end() -> Option<Execution> {
    EXECUTION.take()
}

impl Execution {
    fn add(&mut self, kind: Option<u32>, mortal: bool) -> ThreadId {
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
        assert!(self.threads.len() <= MOST_THREADS, "a search has room for {MOST_THREADS} threads");
        self.threads.len() - 1
    }

    /// Whether this search is about deaths, or about who looks for them.
    pub(super) fn has_deaths(&self) -> bool {
        self.rules.deaths > 0 || self.rules.early > 0
    }

    pub(super) fn current(&self) -> ThreadId {
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
            match thread_named(value) {
                Some(other) if other == number => (1u8, without_name(value)).hash(&mut hasher),
                Some(other) => {
                    (2u8, without_name(value)).hash(&mut hasher);
                    thread.knows.push(other);
                }
                None => (0u8, value).hash(&mut hasher),
            }
        }
        thread.memory = hasher.finish();
    }

    fn asleep(&self) -> usize {
        let pending_wakes = self.pending_wakes.map_or(0, |(_, n)| n);
        self.variables.iter().map(|variable| variable.sleepers.len()).sum::<usize>() - pending_wakes
    }

    /// Why nobody can go on.
    pub(super) fn deadlock(&self) -> String {
        let mut text = String::from("deadlock:");
        for (id, thread) in self.threads.iter().enumerate() {
            let what = match thread.status {
                Status::Asleep { var, .. } => format!("sleeps on {}", self.label(var)),
                Status::Joining(other) => format!("waits for the end of thread {other}"),
                Status::AwaitingSleepers(n) => format!("waits until {n} sleep"),
                Status::Dead => "is dead".to_owned(),
                _ => continue,
            };
            text.push_str(&format!(" thread {id} {what};"));
        }
        text.trim_end_matches(';').to_owned()
    }

    fn label(&self, var: VariableId) -> Label {
        self.variables[var].label
    }

    /// The execution is over: all leave.
    pub(super) fn finish(&mut self) {
        self.over = true;
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }
}
