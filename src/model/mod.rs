//! Checks a program's own use of the primitives: with the feature `model`, in builds
//! with `RUSTFLAGS="--cfg loom"`.
//!
//! There the primitives are words of a model, and a program that shares them between threads is run in
//! every way in which its threads can meet: by a search of all its states, which is sequentially
//! consistent, and by loom, with what weakly ordered loads may give.
//!
//! The program makes what it shares anew each time, spawns by [`spawn`], and asserts. It is to be small
//! (two or three threads, a few operations), and to depend on nothing but its threads: no clock, no file,
//! no randomness. A time-out may come at any moment.
//!
//! This finds that two who count without a lock lose one:
//!
//! ```ignore
#![doc = include_str!("lost_update.rs")]
//! ```

pub use multiproc_checker::thread::{JoinHandle, end_of_round, spawn, spawn_alike};
pub use multiproc_checker::{Data, Failure};
use multiproc_checker::{Loads, Search, Weak};

use crate::shm::ProcessSafe;

/// Runs `program` in every way; `None` when all hold, else one that does not, the shortest that was
/// found.
pub fn find(program: impl Fn() + Clone + Send + Sync + 'static) -> Option<Failure> {
    let failure = Search::default().explain(program.clone());
    failure.or_else(|| {
        let by_loom = |loads| Weak::with(loads).explain(program.clone());
        [Loads::Stale, Loads::Latest].into_iter().find_map(by_loom)
    })
}

/// As [`find`], and fails the test it is called in.
///
/// # Panics
///
/// With the failure as a table, when there is one.
pub fn check(program: impl Fn() + Clone + Send + Sync + 'static) {
    if let Some(failure) = find(program) {
        panic!("{failure}");
    }
}

// SAFETY: the memory of a model's processes is the heap that its threads share.
unsafe impl ProcessSafe for Data {
    const PINNED: bool = false;
}
