//! A word to sleep on, as loom explores it.
//!
//! Between two steps that loom sees, nothing else runs. So one such step followed by work on a
//! plain list is atomic, as the kernel's compare-and-enqueue and change-and-wake are. The step of
//! `wait` and `wake` is a compare-exchange that always fails: it reads the latest value, stores
//! nothing and orders nothing, as the kernel promises no more. A wake that is lost shows as loom's
//! deadlock.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread::{self, Thread};

use crate::sys::{Deadline, Op, Wait};

/// No protocol stores all ones, so that comparing with it always fails.
const NEVER: u32 = u32::MAX;

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
        self.value.load(order)
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

    /// A model has every interleaving anyway: one look is as good as a hundred.
    pub(crate) fn spin(&self, _done: impl Fn(u32) -> bool) -> u32 {
        self.value.load(Ordering::Relaxed)
    }

    /// As [`Word::spin`].
    pub(crate) fn spin_for(&self, turns: u32, _done: impl Fn(u32) -> bool) -> (u32, u32) {
        (self.value.load(Ordering::Relaxed), turns)
    }

    pub(crate) fn wait(&self, expected: u32, deadline: Deadline) -> Wait {
        if self.latest() != expected {
            return Wait::Woken;
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
                self.latest();
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

    pub(crate) fn wake(&self, n: u32) -> u32 {
        self.latest();
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

    /// The latest value, by a step that stores and orders nothing.
    fn latest(&self) -> u32 {
        match self.value.compare_exchange(NEVER, NEVER, Ordering::Relaxed, Ordering::Relaxed) {
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
        change(&mut self.sleepers.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
