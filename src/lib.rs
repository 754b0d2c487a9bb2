// Doc examples run on the machine; a model build has none to run.
#![cfg_attr(all(doctest, loom), cfg(any()))]
//! Python's multiprocessing and threading for Rust.

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!(
    "multiproc needs 64-bit Linux with glibc: its locks stand on futexes and on the layout of \
     glibc's robust list"
);

mod error;
mod ipc;
pub mod process;
mod shm;
mod sync;
mod sys;
pub mod thread;

pub use error::{
    Error, Overflow, PoisonCause, Poisoned, ProcessError, RecvError, SendCause, SendError,
    ThreadError, TryLockError,
};
pub use ipc::{Connection, Receiver, Sender, duplex, pipe, wait_any};
pub use process::{Process, Run};
pub use shm::{ProcessSafe, Shared};
pub use sync::{Event, Lock, LockGuard, Permit, Semaphore};
pub use thread::Thread;

/// For the models: which site of the source is weakened, and which sites were passed.
#[cfg(loom)]
#[doc(hidden)]
pub mod model_support {
    pub use crate::sys::{forget_sites_seen, mutate, sites_seen};
}
