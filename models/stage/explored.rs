//! The stage of the explored legs: processes are threads of an engine, and share the heap.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use multiproc::ProcessSafe;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use multiproc_checker::Data;
use multiproc_checker::thread;
pub(crate) use multiproc_checker::thread::{
    FreeNumber, JoinHandle, end as end_life, end_of_round, exit as end_well, explore, lends,
    let_sleep, sleepers, stop_exploring,
};

/// A value that all of a model share; a clone is the same one.
pub(crate) type Place<T> = Arc<T>;

pub(crate) fn share<T: ProcessSafe + Send + Sync>(value: T) -> Place<T> {
    Arc::new(value)
}

/// Starts one who runs `play`. What it owns is its alone, what it gives travels by serde: it may be
/// a process.
pub(crate) fn spawn<R: Serialize + DeserializeOwned + Send + 'static>(
    play: impl FnOnce() -> R + Send + 'static,
) -> JoinHandle<R> {
    thread::spawn(play)
}

/// Starts one that may be killed at any step, where the model says that one dies.
pub(crate) fn spawn_mortal<S, R>(
    shared: &S,
    play: impl FnOnce(&S) -> R + Send + 'static,
) -> JoinHandle<R>
where
    S: Clone + Send + 'static,
    R: 'static,
{
    let shared = shared.clone();
    thread::spawn_mortal(move || play(&shared))
}

/// Starts another thread of the caller's process.
pub(crate) fn spawn_beside<S, R>(
    shared: &S,
    play: impl FnOnce(&S) -> R + Send + 'static,
) -> JoinHandle<R>
where
    S: Clone + Send + 'static,
    R: 'static,
{
    let shared = shared.clone();
    thread::spawn_beside(move || play(&shared))
}

/// Starts one that gets the number of one that was killed.
pub(crate) fn spawn_with_number<S, R>(
    number: FreeNumber,
    shared: &S,
    play: impl FnOnce(&S) -> R + Send + 'static,
) -> JoinHandle<R>
where
    S: Clone + Send + 'static,
    R: 'static,
{
    let shared = shared.clone();
    thread::spawn_with_number(number, move || play(&shared))
}

pub(super) fn alike<R: Serialize + DeserializeOwned + Send + 'static>(
    count: usize,
    play: impl Fn() -> R + Clone + Send + 'static,
) -> Vec<JoinHandle<R>> {
    thread::spawn_alike(count, play)
}

thread_local! {
    static REACHED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes that the running model came to the state `name` in one of its interleavings.
pub(crate) fn reached(name: &'static str) {
    REACHED.with_borrow_mut(|seen| seen.insert(name));
}

/// What was noted since this was last asked.
pub(crate) fn take_reached() -> BTreeSet<&'static str> {
    REACHED.take()
}
