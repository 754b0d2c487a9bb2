//! A process of its own for a test.

use multiproc::Process;

/// Runs `test` in a process without other threads, which can fork, and whose descriptors, mappings
/// and children are its own. What it panics with is this test's panic.
pub(crate) fn alone(test: fn(())) {
    Process::spawn(test, ()).unwrap().join().unwrap_or_else(|error| panic!("{error}"));
}
