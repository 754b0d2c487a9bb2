//! The primitives between threads, each suite in private memory and in a shared mapping.
#![cfg(not(loom))]

mod barrier;
mod bounded_semaphore;
mod child;
mod condition;
mod event;
mod glibc;
mod lock;
mod rlock;
mod robust_list;
mod robust_semaphore;
mod semaphore;
#[path = "../support/until.rs"]
mod until;

use std::ops::Deref;
use std::sync::Arc;

use multiproc::{ProcessSafe, Shared};

pub(crate) use until::until;

/// Where a primitive lives: an `Arc` or a `Shared`, which its users need not tell apart.
pub(crate) trait Place<T>: Deref<Target = T> + Clone + Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Place<T> for Arc<T> {}
impl<T: ProcessSafe + Send + Sync> Place<T> for Shared<T> {}

/// Runs each of these suites, a function from a `Place<T>`, in private memory and in a mapping.
macro_rules! in_both_places {
    ($make:expr; $($suite:ident),* $(,)?) => {
        mod private_memory {
            $(#[test] fn $suite() { super::$suite(std::sync::Arc::new($make)); })*
        }
        mod shared_mapping {
            $(#[test] fn $suite() { super::$suite(multiproc::Shared::new($make).unwrap()); })*
        }
    };
}
pub(crate) use in_both_places;

/// Whether a thread of this process sleeps on a futex.
pub(crate) fn asleep(tid: rustix::thread::Pid) -> bool {
    sleeps(&format!("self/task/{tid}"))
}

/// Whether the thread that /proc has there sleeps on a futex.
pub(crate) fn sleeps(thread: &str) -> bool {
    let syscall = std::fs::read_to_string(format!("/proc/{thread}/syscall"));
    syscall.is_ok_and(|line| line.starts_with("202 "))
}
