//! One run of a case, in which the tracee is killed after a given number of instructions.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::path::Skip;
use crate::survivor::Survivor;
use crate::tracee::Tracee;

/// A case: it makes a fresh fixture, has a tracee stepped and killed, and checks what the survivors
/// then do.
pub(crate) type Case = fn(&Trial) -> Result<(), Failure>;

/// Why a trial failed.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Failure {
    /// A process waits for ever.
    Hang(String),
    /// The shared state is wrong.
    Corrupt(String),
    /// The system does not let a process trace another: nothing was tested.
    NotPermitted,
}

/// Where to kill, and what was recorded.
pub(crate) struct Trial {
    /// The number of instructions after which the tracee is killed.
    pub(crate) kill_at: u64,
    /// How to get near that point without single steps.
    pub(crate) skip: Option<Skip>,
    /// How long a process may take before it counts as hung.
    pub(crate) timeout: Duration,
    /// Whether the operation ended before that point: it took a shorter path than when it was counted.
    pub(crate) missed: Cell<bool>,
    /// Whether a survivor ended so late that a slice of its wait must have timed out.
    pub(crate) late: Cell<bool>,
    /// The addresses of the instructions that were stepped.
    pub(crate) path: RefCell<Vec<u64>>,
    /// By address, whether the instruction is a system call: the same in all tracees.
    pub(crate) calls: RefCell<HashMap<u64, bool>>,
}

impl Trial {
    /// Starts a process that has run `prepare` and is stopped before `operation`, to be stepped.
    pub(crate) fn tracee<T>(
        &self,
        prepare: impl FnOnce() -> T,
        operation: impl FnOnce(T),
    ) -> Result<Tracee<'_>, Failure> {
        Tracee::start(self, prepare, operation)
    }

    /// Starts a process that runs `operation`, whose result is its exit code. When this returns, it
    /// has ended or sleeps.
    pub(crate) fn survivor(&self, operation: impl FnOnce() -> u8) -> Result<Survivor<'_>, Failure> {
        Survivor::start(self, operation)
    }

    /// As [`Trial::survivor`], for one that must sleep by then.
    pub(crate) fn waiter(&self, operation: impl FnOnce() -> u8) -> Result<Survivor<'_>, Failure> {
        let waiter = Survivor::start(self, operation)?;
        check(waiter.sleeps()?, || "a waiter did not sleep".into())?;
        Ok(waiter)
    }
}

/// [`Failure::Corrupt`] unless `held`.
pub(crate) fn check(held: bool, what: impl FnOnce() -> String) -> Result<(), Failure> {
    if held { Ok(()) } else { Err(Failure::Corrupt(what())) }
}

/// [`Failure::Corrupt`] unless `got == expected`.
pub(crate) fn check_eq<T: PartialEq + fmt::Debug>(
    what: &str,
    got: T,
    expected: T,
) -> Result<(), Failure> {
    check(got == expected, || format!("{what} is {got:?}, not {expected:?}"))
}
