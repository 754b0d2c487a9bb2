//! Memory that processes share, as one process has it.
//!
//! * However often and on whichever way a memory comes to a process, it is at one place there.
//! * None of what it has stands under the number of a standard stream, were all of them closed.
//! * A type that lies otherwise in memory is another.
//! * A value that was made up to learn of a type is as any other, if somebody keeps it.
//! * Where the system denies what it can do without, it does without; else an error says what and why.
#![cfg(not(modelled))]

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/chain.rs"]
mod chain;
mod derived;
mod layout;
mod limits;
mod made_up;
mod once;
mod streams;
mod without;

use std::fs;
use std::time::Duration;

/// Long enough that only a hang reaches it.
const LONG: Duration = Duration::from_secs(60);

/// A name of this run alone, which is gone with it.
struct Named(String);

impl Named {
    fn new(what: &str) -> Self {
        Named(format!("test-{what}-{}", std::process::id()))
    }
}

impl Drop for Named {
    fn drop(&mut self) {
        let _ = fs::remove_file(format!("/dev/shm/multiproc-{}", self.0));
    }
}
