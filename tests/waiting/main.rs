//! Waiting: it costs nothing, and any number may wait.
//!
//! How long it takes until a herd has gone on, and who of it goes first, is measured by `cargo
//! bench -- herd fairness`.
#![cfg(not(modelled))]

#[path = "../support/alone.rs"]
mod alone;
mod herd;
mod idle;
#[path = "../support/linger.rs"]
#[allow(dead_code, reason = "what else lingers is for other tests")]
mod linger;

use std::io::{self, Write};

/// Past the harness, which keeps what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
