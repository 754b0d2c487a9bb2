//! Hostile peers, which write anything into the memory that they share: a user of the library gets wrong
//! data or an error, in time, and neither crashes nor hangs.
#![cfg(not(modelled))]

mod child;
mod memory;
mod scribble;
mod words;

use std::time::Duration;

use multiproc::{Process, ProcessError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(120);

/// Starts a process, which is ended with the test, even if it hangs.
fn start<A, R>(f: fn(A) -> R, argument: A) -> Process<R>
where
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    Process::builder().daemon(true).spawn(f, argument).unwrap()
}

/// The result of a process, which must end.
fn ended<R: DeserializeOwned>(process: &Process<R>) -> Result<R, ProcessError> {
    process.join_for(TIMEOUT).unwrap_or_else(|| panic!("{process:?} hangs"))
}
