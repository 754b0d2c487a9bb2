//! Runs a test in a process of its own.

use multiproc::Process;

/// Runs `test` in a process with one thread, which may fork, and whose descriptors, mappings and
/// children are its own. Its panic is this test's panic.
pub(crate) fn alone(test: fn(())) {
    Process::spawn(test, ()).unwrap().join().unwrap_or_else(|error| panic!("{error}"));
}
