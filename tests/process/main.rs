//! Child processes, in the stock harness: no call in `main`, no runner of its own.
//!
//! The harness runs tests in threads, where a fork is refused. So what is said of forked children
//! is shown inside of a spawned one, which has one thread.
#![cfg(not(loom))]

mod ends;
mod late;
mod run;

use std::time::Duration;

use multiproc::Process;

pub(crate) type Nothing = Result<(), Box<dyn std::error::Error>>;

/// Long enough for whatever comes, short enough to see that it does not.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// Runs `test` in a process without other threads, which can fork, and whose descriptors and
/// children are its own. What it panics with is this test's panic.
pub(crate) fn alone(test: fn(())) {
    Process::spawn(test, ()).unwrap().join().unwrap_or_else(|error| panic!("{error}"));
}

/// Runs until it is killed, or its process ends.
pub(crate) fn for_ever() {
    loop {
        std::thread::park();
    }
}

/// Still runs when those who do not wait for it have gone on; how long does not matter.
pub(crate) fn for_a_while() {
    (0..1000).for_each(|_| std::thread::yield_now());
}
