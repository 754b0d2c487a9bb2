//! The stage of the explored legs: processes are threads of loom's, and share the heap.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

use multiproc::ProcessSafe;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub(crate) use loom::thread::yield_now;
pub(crate) use loom::{explore, stop_exploring};
pub(crate) use multiproc::model_support::{end_life, sleepers};

/// A value that all of a model share; a clone is the same one.
pub(crate) type Place<T> = Arc<T>;

pub(crate) fn share<T: ProcessSafe + Send + Sync>(value: T) -> Place<T> {
    Arc::new(value)
}

/// One who runs beside the others, and will give an `R`.
pub(crate) struct JoinHandle<R>(loom::thread::JoinHandle<R>);

impl<R> JoinHandle<R> {
    /// Waits until it has ended. Panics when it did.
    pub(crate) fn join(self) -> R {
        self.0.join().unwrap()
    }
}

/// Starts one who runs `play`. What it owns is its alone, what it gives travels by serde: it may be
/// a process.
pub(crate) fn spawn<R: Serialize + DeserializeOwned + Send + 'static>(
    play: impl FnOnce() -> R + Send + 'static,
) -> JoinHandle<R> {
    JoinHandle(loom::thread::spawn(play))
}

thread_local! {
    static WITNESSED: RefCell<BTreeSet<&'static str>> = const { RefCell::new(BTreeSet::new()) };
}

/// Notes that the running model came to the state `name` in one of its interleavings.
pub(crate) fn witness(name: &'static str) {
    WITNESSED.with_borrow_mut(|seen| seen.insert(name));
}

/// What was noted since this was last asked.
pub(crate) fn take_witnessed() -> BTreeSet<&'static str> {
    WITNESSED.take()
}

/// A number that nothing guards but what the model is about.
#[derive(Default)]
pub(crate) struct Data(loom::cell::UnsafeCell<u32>);

// SAFETY: loom checks every access.
unsafe impl Sync for Data {}

// SAFETY: a number; the memory of a model's processes is the heap.
unsafe impl ProcessSafe for Data {
    const PINNED: bool = false;
}

impl Data {
    pub(crate) fn read(&self) -> u32 {
        // SAFETY: loom runs one thread at a time, and ends the model when this access races.
        self.0.with(|data| unsafe { *data })
    }

    pub(crate) fn write(&self, value: u32) {
        // SAFETY: as above.
        self.0.with_mut(|data| unsafe { *data = value });
    }
}
