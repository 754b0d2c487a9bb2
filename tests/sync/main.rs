//! The primitives between threads, each suite in private memory and in a shared mapping.
#![cfg(not(modelled))]

mod barrier;
mod bounded_semaphore;
mod child;
mod condition;
mod condition_rlock;
mod event;
mod glibc;
mod lock;
mod rlock;
mod robust_list;
mod robust_semaphore;
mod semaphore;

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/until.rs"]
mod until;

pub(crate) use alone::alone;
pub(crate) use asleep::sleeps;
pub(crate) use place::{Place, in_both_places};
pub(crate) use until::until;

/// Whether a thread of this process sleeps.
pub(crate) fn asleep(tid: rustix::thread::Pid) -> bool {
    sleeps(&format!("self/task/{tid}"))
}
