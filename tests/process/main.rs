//! Child processes, in the stock harness: no call in `main`, no runner of its own.
//!
//! The harness runs tests in threads, where a fork is refused. So what is said of forked children
//! is shown inside of a spawned one, which has one thread.
#![cfg(not(modelled))]

#[path = "../support/alone.rs"]
mod alone;
mod ends;
mod foreign;
mod fork;
mod late;
#[path = "../support/linger.rs"]
mod linger;
mod namespaces;
mod reaped;
mod run;

use std::time::Duration;

pub(crate) use alone::alone;
pub(crate) use linger::{for_a_while, for_ever};

pub(crate) type Nothing = Result<(), Box<dyn std::error::Error>>;

/// Long enough for whatever comes, short enough to see that it does not.
pub(crate) const LONG: Duration = Duration::from_secs(60);
