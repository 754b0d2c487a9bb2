//! A word to sleep on, as a model has it.
//!
//! For the search, that is the world's. With loom: between two steps that loom sees, nothing else
//! runs. So one such step followed by work on a plain list is atomic, as the kernel's
//! compare-and-enqueue and change-and-wake are. The step of `wait` and `wake` is a compare-exchange
//! that always fails: it reads the latest value, stores nothing and orders nothing, as the kernel
//! promises no more. A wake that is lost shows as loom's deadlock.
//!
//! One thing is stronger than it should be: loom's `unpark` makes the woken see what the waker
//! wrote. So an ordering is not shown by a sleeper: every model has a way to the same data for one
//! who came too late to sleep.

use std::cell::Cell;
use std::collections::VecDeque;
use std::panic::Location;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loom::thread::{self, Thread};

use multiproc_checker::mutants;

use crate::sys::model::atom::{Atom, Bits};
use crate::sys::model::strand::{self, Stretch};
use crate::sys::model::thread::me;
use crate::sys::model::trace::{self, Action};
use crate::sys::model::world::{self, Ends};
use crate::sys::{Deadline, Op, Ordering, Wait};

std::thread_local! {
    /// In the model that this OS thread runs.
    static ASLEEP: Cell<usize> = const { Cell::new(0) };
    static LATEST: Cell<bool> = const { Cell::new(false) };
}

/// Whether loads, too, are steps that read the latest value. A plain load of loom's can be stale,
/// as the machine's, but hides interleavings: of a thread that loads and then writes a word, loom
/// forgets the load (tokio-rs/loom#392, #166). So models are explored in both ways.
pub(crate) fn load_latest(on: bool) {
    LATEST.set(on);
}

/// Whether [`load_latest`] is on.
pub(super) fn loads_latest() -> bool {
    LATEST.get()
}

/// How many threads of the model sleep on a word at this step. loom does not see the question:
/// ask after a step on that word.
pub(crate) fn sleepers() -> usize {
    if world::is_here() { world::sleepers() } else { ASLEEP.get() }
}

/// To be called as an interleaving begins: the last one may have failed with threads asleep.
pub(crate) fn forget_sleepers() {
    ASLEEP.set(0);
}

#[derive(Debug)]
pub(crate) struct Word {
    atom: Atom<u32>,
    /// loom's; those of a search the world has.
    sleepers: Mutex<VecDeque<Arc<Sleeper>>>,
}

#[derive(Debug)]
struct Sleeper {
    thread: Thread,
    woken: Mutex<Option<Stretch>>,
}

impl Sleeper {
    fn woken(&self) -> Option<Stretch> {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Op {
    fn apply(self, word: u32) -> u32 {
        match self {
            Op::SetBit(bit) => 1 << bit,
            Op::OrBit(bit) => word | 1 << bit,
            Op::ClearBit(bit) => word & !(1 << bit),
            Op::AddBit(bit) => word.wrapping_add(1 << bit),
        }
    }
}

impl Word {
    #[track_caller]
    pub(crate) fn new(value: u32) -> Self {
        Word { atom: Atom::new(value), sleepers: Mutex::default() }
    }

    /// As the search knows it.
    pub(super) fn var(&self) -> Option<world::Var> {
        match self.atom {
            Atom::Search(var) => Some(var),
            Atom::Loom(..) => None,
        }
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.atom.load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: u32, order: Ordering) {
        self.atom.store(value, order);
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.atom.compare_exchange(old, new, success, failure)
    }

    /// A model has every interleaving anyway: the look that was taken is as good as a hundred.
    pub(crate) fn spin(&self, seen: u32, _done: impl Fn(u32) -> bool) -> u32 {
        seen
    }

    /// As [`Word::spin`].
    #[track_caller]
    pub(crate) fn spin_for(&self, turns: u32, _done: impl Fn(u32) -> bool) -> (u32, u32) {
        (self.atom.load(Ordering::Relaxed), turns)
    }

    /// As [`Word::spin`].
    #[track_caller]
    pub(crate) fn yield_for(&self, _times: u32, _done: impl Fn(u32) -> bool) -> u32 {
        self.atom.load(Ordering::Relaxed)
    }

    #[track_caller]
    pub(crate) fn wait(&self, expected: u32, deadline: Deadline) -> Wait {
        self.sleep(expected, deadline, false)
    }

    /// By loom no slice of a wait ever ends, or it would hide lost wakes; in a search, as its
    /// [`Slices`](crate::sys::Slices) say.
    #[track_caller]
    pub(crate) fn wait_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.sleep(expected, deadline, true)
    }

    /// As [`Word::spin`].
    #[track_caller]
    pub(crate) fn spin_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.wait_slice(expected, deadline)
    }

    /// As [`Word::wait_slice`].
    #[track_caller]
    pub(crate) fn wait_at_most(&self, expected: u32, deadline: Deadline, _slice: Duration) -> Wait {
        self.sleep(expected, deadline, true)
    }

    #[track_caller]
    fn sleep(&self, expected: u32, deadline: Deadline, in_slices: bool) -> Wait {
        let compares = mutants::compares("wait");
        let label = match self.atom {
            Atom::Loom(_, label, _) => label,
            Atom::Search(var) => {
                let ends = Ends { in_time: deadline != Deadline::Never, in_slices };
                let expected = compares.then_some(u64::from(expected));
                return world::sleep(var, expected, ends, Location::caller());
            }
        };
        if self.atom.latest("wait", Ordering::Relaxed) != expected && compares {
            return Wait::Changed;
        }
        let sleeper = Arc::new(Sleeper { thread: thread::current(), woken: Mutex::default() });
        self.queue(|sleepers| sleepers.push_back(sleeper.clone()));
        note(|| Action::Sleeps { var: label });
        let wait = match deadline {
            Deadline::Never => {
                strand::sleep_until(self.atom.address(), || sleeper.woken());
                Wait::Woken
            }
            Deadline::At(_) => {
                // The timer fires at this step; whoever wakes us before has won.
                self.atom.latest("time", Ordering::Relaxed);
                if sleeper.woken().is_some() {
                    Wait::Woken
                } else {
                    self.queue(|sleepers| sleepers.retain(|one| !Arc::ptr_eq(one, &sleeper)));
                    Wait::TimedOut
                }
            }
        };
        note(|| Action::Wakes { wait });
        wait
    }

    #[track_caller]
    pub(crate) fn wake(&self, n: u32) -> u32 {
        let really = mutants::wakes("wake", n);
        if let Some(var) = self.var() {
            return world::wake(var, (n, really), "wake", Location::caller(), |_| {});
        }
        self.atom.latest("wake", Ordering::Relaxed);
        self.rouse(n, really)
    }

    #[track_caller]
    pub(crate) fn wake_op(&self, op: Op, n: u32, order: Ordering) -> u32 {
        const WHAT: &str = "change and wake";
        let order = mutants::ordering("wake_op", order);
        let really = mutants::wakes("wake_op", n);
        let writes = mutants::writes("wake_op");
        if let Some(var) = self.var() {
            return world::wake(var, (n, really), WHAT, Location::caller(), |word| {
                if writes {
                    *word = u64::from(op.apply(*word as u32));
                }
            });
        }
        let by_loom = |atom: &<u32 as Bits>::Loom| match op {
            _ if !writes => u32::or(atom, 0, order),
            Op::SetBit(bit) => u32::swap(atom, 1 << bit, order),
            Op::OrBit(bit) => u32::or(atom, 1 << bit, order),
            Op::ClearBit(bit) => u32::and(atom, !(1 << bit), order),
            Op::AddBit(bit) => u32::add(atom, 1 << bit, order),
        };
        self.atom.access(WHAT, by_loom, |word| if writes { op.apply(word) } else { word });
        self.rouse(n, really)
    }

    /// Wakes `really` so many, and tells of `n`.
    fn rouse(&self, n: u32, really: u32) -> u32 {
        let told = self.queue(|sleepers| sleepers.len().min(n as usize)) as u32;
        let n = really;
        let woken = self.queue(|sleepers| {
            let count = sleepers.len().min(n as usize);
            sleepers.drain(..count).collect::<Vec<_>>()
        });
        for sleeper in &woken {
            *sleeper.woken.lock().unwrap_or_else(PoisonError::into_inner) = Some(strand::stretch());
            sleeper.thread.unpark();
        }
        note(|| Action::Rouses { n: woken.len() as u32 });
        told
    }

    fn queue<R>(&self, change: impl FnOnce(&mut VecDeque<Arc<Sleeper>>) -> R) -> R {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sleepers.len();
        let result = change(&mut sleepers);
        ASLEEP.set(ASLEEP.get() + sleepers.len() - before);
        result
    }
}

fn note(action: impl FnOnce() -> Action) {
    if trace::is_on() {
        trace::note(me(), action());
    }
}
