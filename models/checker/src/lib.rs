//! A model checker.

mod atomic;
mod cell;
mod executor;
mod failure;
pub mod futex;
pub mod mutants;
mod plain;
pub mod robust;
mod search;
mod socket;
pub mod thread;
pub mod time;
mod trace;
mod weak;

pub use atomic::{
    Atomic, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
pub use cell::{Access, Cell};
pub use failure::Failure;
pub use multiproc_checker_macros::mutants;
pub use plain::{Data, PlainU64};
pub use search::{Search, SearchResult, Slices};
pub use socket::{Refused, Side, Socket};
pub use weak::{Loads, Weak, WeakResult};

/// Forgets what the last execution on this OS thread left.
fn begin_execution() {
    thread::forget_ended();
}
