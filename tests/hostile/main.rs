//! Peers that map the same memory and mean harm: who keeps to the rules gets wrong data or an error,
//! in time, and neither crashes nor hangs.
#![cfg(not(modelled))]

mod child;
mod memory;
mod storm;
mod words;

use std::time::Duration;

use multiproc::{Process, ProcessError};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(120);

/// Starts a process that ends with the tests, also with those that fail because it hangs.
fn start<A, R>(f: fn(A) -> R, argument: A) -> Process<R>
where
    A: Serialize + DeserializeOwned,
    R: Serialize + DeserializeOwned,
{
    Process::builder().daemon(true).spawn(f, argument).unwrap()
}

/// What an honest process came to, which must end.
fn ended<R: DeserializeOwned>(honest: &Process<R>) -> Result<R, ProcessError> {
    honest.join_for(EVER).unwrap_or_else(|| panic!("{honest:?} hangs"))
}
