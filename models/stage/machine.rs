//! The stage of the legs on the machine: the others are threads that share the heap, or forked
//! processes that share a mapping.
//!
//! A process plays one leg only, and begins with one thread, or it could not fork.

use std::fs;
use std::ops::Deref;
use std::panic::resume_unwind;
use std::sync::{Arc, OnceLock};
use std::thread;

use multiproc::{Process, ProcessSafe, Shared};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::asleep::sleeps;

use std::thread::yield_now;

/// Who the others of a model are.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) enum Leg {
    Threads,
    Processes,
}

static LEG: OnceLock<Leg> = OnceLock::new();

/// Says what this process plays.
pub(crate) fn begin(leg: Leg) {
    LEG.set(leg).expect("a process plays one leg");
}

fn leg() -> Leg {
    *LEG.get().expect("a leg was begun")
}

/// A value that all of a model share; a clone is the same one.
pub(crate) enum Place<T: ProcessSafe> {
    Heap(Arc<T>),
    Mapping(Shared<T>),
}

pub(crate) fn share<T: ProcessSafe + Send + Sync>(value: T) -> Place<T> {
    match leg() {
        Leg::Threads => Place::Heap(Arc::new(value)),
        Leg::Processes => Place::Mapping(Shared::new(value).unwrap()),
    }
}

impl<T: ProcessSafe> Clone for Place<T> {
    fn clone(&self) -> Self {
        match self {
            Place::Heap(value) => Place::Heap(value.clone()),
            Place::Mapping(value) => Place::Mapping(value.clone()),
        }
    }
}

impl<T: ProcessSafe> Deref for Place<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match self {
            Place::Heap(value) => value,
            Place::Mapping(value) => value,
        }
    }
}

/// One who runs beside the others, and will give an `R`.
pub(crate) enum JoinHandle<R> {
    Thread(thread::JoinHandle<R>),
    Process(Process<R>),
}

impl<R: DeserializeOwned> JoinHandle<R> {
    /// Waits until it has ended. Panics when it did.
    pub(crate) fn join(self) -> R {
        match self {
            JoinHandle::Thread(thread) => {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
            JoinHandle::Process(process) => process.join().unwrap_or_else(|how| panic!("{how}")),
        }
    }
}

/// Starts one who runs `play`. What it owns is its alone, what it gives travels by serde: it may be
/// a process.
pub(crate) fn spawn<R: Serialize + DeserializeOwned + Send + 'static>(
    play: impl FnOnce() -> R + Send + 'static,
) -> JoinHandle<R> {
    match leg() {
        Leg::Threads => JoinHandle::Thread(thread::spawn(play)),
        // A daemon: it does not outlive a model that fails, or is killed because it hangs.
        Leg::Processes => JoinHandle::Process(Process::builder().daemon(true).fork(play).unwrap()),
    }
}

pub(super) fn alike<R: Serialize + DeserializeOwned + Send + 'static>(
    count: usize,
    play: impl Fn() -> R + Clone + Send + 'static,
) -> Vec<JoinHandle<R>> {
    (0..count).map(|_| spawn(play.clone())).collect()
}

/// Waits until so many of the others sleep.
pub(crate) fn let_sleep(count: usize) {
    while sleepers() < count {
        yield_now();
    }
}

/// How many of the others sleep, now that this asks. It looks twice: one may be woken by another just
/// before that one is seen asleep, too.
pub(crate) fn sleepers() -> usize {
    seen_asleep().min(seen_asleep())
}

fn seen_asleep() -> usize {
    match leg() {
        Leg::Threads => {
            let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
            let paths = threads.map(|thread| format!("self/task/{}", thread.file_name().display()));
            paths.filter(|path| sleeps(path)).count()
        }
        Leg::Processes => {
            let children = fs::read_to_string("/proc/thread-self/children").unwrap();
            children.split_whitespace().filter(|child| sleeps(child)).count()
        }
    }
}

/// Nothing is explored here; what comes, comes.
pub(crate) fn explore() {}

/// As [`explore`].
pub(crate) fn stop_exploring() {}

/// As [`explore`].
pub(crate) fn end_of_round(_: u32) {}

/// What a model came across counts only where it is explored.
pub(crate) fn reached(_: &'static str) {}

/// Only an engine can say that a thread is a process that has died.
pub(crate) fn end_life() {
    unreachable!("its model is explored only");
}

/// A number that nothing guards but what the model is about.
#[allow(clippy::disallowed_types, reason = "what a model guards is plain memory")]
#[derive(Default)]
#[repr(transparent)]
pub(crate) struct Data(std::cell::UnsafeCell<u32>);

// SAFETY: see `read`.
unsafe impl Sync for Data {}

// SAFETY: a number: no address, no owner, any bits, no drop.
unsafe impl ProcessSafe for Data {
    const PINNED: bool = false;
}

/// Before each access the others get a turn: a model's few steps would hardly ever meet theirs.
impl Data {
    pub(crate) fn read(&self) -> u32 {
        yield_now();
        // SAFETY: the number lives as long as `self`. The primitive that the model is about keeps
        // all others away meanwhile; should it fail to, the machine's own load of an aligned word
        // gives a number that the model finds wrong.
        unsafe { self.0.get().read_volatile() }
    }

    pub(crate) fn write(&self, value: u32) {
        yield_now();
        // SAFETY: as above.
        unsafe { self.0.get().write_volatile(value) };
    }

    /// Two steps: whoever else has access meanwhile is seen.
    pub(crate) fn add(&self, more: u32) {
        self.write(self.read() + more);
    }
}
