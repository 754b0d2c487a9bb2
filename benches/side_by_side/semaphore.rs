//! Acquire a permit and release it.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::{RobustSemaphore, Semaphore, Shared};

use crate::pthread::Sem;
use crate::{Implementation, Workload};

/// By one thread, with permits to spare.
pub(crate) fn uncontended() -> Workload {
    let ours = Shared::new(Semaphore::new(3)).expect("a page of shared memory");
    let robust = Shared::new(RobustSemaphore::<3>::new(3)).expect("a page of shared memory");
    let sem = Sem::new(3);
    Workload {
        name: "semaphore, uncontended",
        implementations: vec![
            Implementation::looped("multiproc, shared", move || drop(ours.acquire())),
            Implementation::looped("multiproc, robust", move || drop(robust.acquire())),
            Implementation::looped("sem_t", move || sem.with(|| ())).goal(1.0),
        ],
    }
}

/// By two threads at once, with permits to spare.
pub(crate) fn contended() -> Workload {
    let ours = Shared::new(Semaphore::new(3)).expect("a page of shared memory");
    let robust = Shared::new(RobustSemaphore::<3>::new(3)).expect("a page of shared memory");
    Workload {
        name: "semaphore, two threads",
        implementations: vec![
            Implementation::timed("multiproc, shared", move |times| {
                both(times, || drop(ours.acquire()))
            }),
            Implementation::timed("multiproc, robust", move |times| {
                both(times, || drop(robust.acquire()))
            }),
        ],
    }
}

/// Each of two threads does it so many times.
fn both(times: u64, once: impl Fn() + Sync) -> Duration {
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| (0..times).for_each(|_| once()));
        }
    });
    start.elapsed()
}
