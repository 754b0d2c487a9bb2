//! A word to sleep on, as loom explores it.
//!
//! Between two steps that loom sees, nothing else runs. So one such step followed by work on a
//! plain list is atomic, as the kernel's compare-and-enqueue and change-and-wake are. The step of
//! `wait` and `wake` is a compare-exchange that always fails: it reads the latest value, stores
//! nothing and orders nothing, as the kernel promises no more. A wake that is lost shows as loom's
//! deadlock.
//!
//! One thing is stronger than it should be: loom's `unpark` makes the woken see what the waker
//! wrote. So an ordering is not shown by a sleeper: every model has a way to the same data for one
//! who came too late to sleep.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread::{self, Thread};

use crate::sys::{Deadline, Op, Wait};

/// No protocol stores all ones, so that comparing with it always fails.
const NEVER: u32 = u32::MAX;

std::thread_local! {
    /// In the model that this OS thread runs.
    static ASLEEP: Cell<usize> = const { Cell::new(0) };
    static LATEST: Cell<bool> = const { Cell::new(false) };
}

/// Whether loads, too, are steps that read the latest value. A plain load of loom's can be stale,
/// as the machine's, but hides interleavings: of a thread that loads and then writes a word, loom
/// forgets the load (tokio-rs/loom#392, #166). So models are explored in both ways.
#[doc(hidden)]
pub fn load_latest(on: bool) {
    LATEST.set(on);
}

/// Whether [`load_latest`] is on.
pub(super) fn loads_latest() -> bool {
    LATEST.get()
}

/// How many threads of the model sleep on a word at this step. loom does not see the question:
/// ask after a step on that word.
#[doc(hidden)]
pub fn sleepers() -> usize {
    ASLEEP.get()
}

/// To be called as an interleaving begins: the last one may have failed with threads asleep.
#[doc(hidden)]
pub fn forget_sleepers() {
    ASLEEP.set(0);
}

#[derive(Debug)]
pub(crate) struct Word {
    value: AtomicU32,
    sleepers: Mutex<VecDeque<Arc<Sleeper>>>,
}

#[derive(Debug)]
struct Sleeper {
    thread: Thread,
    woken: Mutex<bool>,
}

impl Sleeper {
    fn is_woken(&self) -> bool {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Word {
    pub(crate) fn new(value: u32) -> Self {
        Word { value: AtomicU32::new(value), sleepers: Mutex::default() }
    }

    pub(crate) fn load(&self, order: Ordering) -> u32 {
        if loads_latest() { self.latest(order) } else { self.value.load(order) }
    }

    pub(crate) fn store(&self, value: u32, order: Ordering) {
        self.value.store(value, order);
    }

    pub(crate) fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.value.compare_exchange(old, new, success, failure)
    }

    /// A model has every interleaving anyway: the look that was taken is as good as a hundred.
    pub(crate) fn spin(&self, seen: u32, _done: impl Fn(u32) -> bool) -> u32 {
        seen
    }

    /// As [`Word::spin`].
    pub(crate) fn spin_for(&self, turns: u32, _done: impl Fn(u32) -> bool) -> (u32, u32) {
        (self.value.load(Ordering::Relaxed), turns)
    }

    /// As [`Word::spin`].
    pub(crate) fn yield_for(&self, _times: u32, _done: impl Fn(u32) -> bool) -> u32 {
        self.value.load(Ordering::Relaxed)
    }

    pub(crate) fn wait(&self, expected: u32, deadline: Deadline) -> Wait {
        if self.latest(Ordering::Relaxed) != expected {
            return Wait::Changed;
        }
        let me = Arc::new(Sleeper { thread: thread::current(), woken: Mutex::new(false) });
        self.queue(|sleepers| sleepers.push_back(me.clone()));
        match deadline {
            Deadline::Never => {
                while !me.is_woken() {
                    thread::park();
                }
                Wait::Woken
            }
            Deadline::At(_) => {
                // The timer fires at this step; whoever wakes us before has won.
                self.latest(Ordering::Relaxed);
                if me.is_woken() {
                    return Wait::Woken;
                }
                self.queue(|sleepers| sleepers.retain(|sleeper| !Arc::ptr_eq(sleeper, &me)));
                Wait::TimedOut
            }
        }
    }

    /// No slice of a wait ever ends in a model, or it would hide lost wakes.
    pub(crate) fn wait_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.wait(expected, deadline)
    }

    /// As [`Word::spin`].
    pub(crate) fn spin_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.wait(expected, deadline)
    }

    /// As [`Word::wait_slice`].
    pub(crate) fn wait_at_most(&self, expected: u32, deadline: Deadline, _slice: Duration) -> Wait {
        self.wait(expected, deadline)
    }

    pub(crate) fn wake(&self, n: u32) -> u32 {
        self.latest(Ordering::Relaxed);
        self.rouse(n)
    }

    pub(crate) fn wake_op(&self, op: Op, n: u32, order: Ordering) -> u32 {
        match op {
            Op::SetBit(bit) => self.value.swap(1 << bit, order),
            Op::OrBit(bit) => self.value.fetch_or(1 << bit, order),
            Op::ClearBit(bit) => self.value.fetch_and(!(1 << bit), order),
            Op::AddBit(bit) => self.value.fetch_add(1 << bit, order),
        };
        self.rouse(n)
    }

    /// The latest value, by a step that stores nothing.
    fn latest(&self, order: Ordering) -> u32 {
        match self.value.compare_exchange(NEVER, NEVER, Ordering::Relaxed, order) {
            Ok(value) | Err(value) => value,
        }
    }

    fn rouse(&self, n: u32) -> u32 {
        let woken = self.queue(|sleepers| {
            let count = sleepers.len().min(n as usize);
            sleepers.drain(..count).collect::<Vec<_>>()
        });
        for sleeper in &woken {
            *sleeper.woken.lock().unwrap_or_else(PoisonError::into_inner) = true;
            sleeper.thread.unpark();
        }
        woken.len() as u32
    }

    fn queue<R>(&self, change: impl FnOnce(&mut VecDeque<Arc<Sleeper>>) -> R) -> R {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sleepers.len();
        let result = change(&mut sleepers);
        ASLEEP.set(ASLEEP.get() + sleepers.len() - before);
        result
    }
}
