//! What the crate does, each as a small program of its own that must come to the right value.
//!
//! An operation is given `ready`, and calls it when what it uses exists: from there on the call is
//! denied where it is to be denied only then. (A child that it spawns is a fresh process, to which
//! the call is denied from its first instruction.) It panics when a value is wrong, and gives the
//! error when the crate gives one.

mod controls;
mod futures;
mod memory;
mod messages;
mod ownership;
mod pools;
mod processes;
mod synchronisation;
mod threads;

use std::error::Error;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use multiproc::{Poisoned, ProcessSafe, Shared};

use crate::chain::chain;

pub(crate) type Done = Result<(), Box<dyn Error>>;

/// One of them.
pub(crate) struct Operation {
    pub(crate) name: &'static str,
    pub(crate) run: fn(ready: &dyn Fn()) -> Done,
    /// Whether it starts a fresh process, which needs what every program needs to start.
    pub(crate) spawns: bool,
}

const fn here(name: &'static str, run: fn(&dyn Fn()) -> Done) -> Operation {
    Operation { name, run, spawns: false }
}

const fn spawning(name: &'static str, run: fn(&dyn Fn()) -> Done) -> Operation {
    Operation { name, run, spawns: true }
}

/// All of them.
pub(crate) fn all() -> impl Iterator<Item = &'static Operation> {
    let parts = [
        synchronisation::ALL,
        ownership::ALL,
        memory::ALL,
        messages::ALL,
        futures::ALL,
        processes::ALL,
        threads::ALL,
        pools::ALL,
    ];
    parts.into_iter().flatten()
}

pub(crate) use controls::CONTROLS;

/// What a child that an operation spawns gives back: an error as its text.
type Told<T> = Result<T, String>;

/// How long something is waited for that does not come.
const TICK: Duration = Duration::from_millis(20);

/// Long enough for a waiter to have looked several times whether the owner lives.
const SLICES: Duration = Duration::from_millis(350);

/// Where a primitive lives.
trait Place<T>: Deref<Target = T> + Clone + Send + Sync + 'static {
    fn of(value: T) -> Result<Self, multiproc::Error>;
}

impl<T: Send + Sync + 'static> Place<T> for Arc<T> {
    fn of(value: T) -> Result<Self, multiproc::Error> {
        Ok(Arc::new(value))
    }
}

impl<T: ProcessSafe + Send + Sync + 'static> Place<T> for Shared<T> {
    fn of(value: T) -> Result<Self, multiproc::Error> {
        Shared::new(value)
    }
}

fn told<T>(result: Result<T, impl Error>) -> Told<T> {
    result.map_err(|error| chain(&error))
}

/// The guard of a lock whose owner neither died nor panicked.
fn unpoisoned<G>(locked: Result<G, Poisoned<G>>) -> Result<G, multiproc::Error> {
    locked.map_err(multiproc::Error::from)
}
