//! Waiting: it takes no processor time, and any number of threads and processes may wait.
//!
//! How long a thousand waiters take to go on, and in which order, is measured by `cargo bench -- herd
//! fairness`.
#![cfg(not(modelled))]

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/block_on.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod block_on;
mod herd;
mod idle;
#[path = "../support/linger.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod linger;
#[path = "../support/until.rs"]
mod until;

use std::io::{self, Write};

/// Writes to standard error, past the harness, which captures what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
