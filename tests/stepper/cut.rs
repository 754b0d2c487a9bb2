//! One trial: where the victim is to die, and who else is on the scene.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::companion::Companion;
use crate::path::Leap;
use crate::victim::Victim;

/// A script: it sets a fresh scene, has a victim stepped and killed in it, and looks at what the
/// others then do.
pub(crate) type Scene = fn(&Cut) -> Result<(), Harm>;

/// What a death did to the others.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Harm {
    /// Someone waits for what will not come.
    Hang(String),
    /// Something is not as anyone left it.
    Corrupt(String),
    /// The system does not let a process trace another: nothing was tried.
    NotPermitted,
}

/// Where to kill, and what came of it.
pub(crate) struct Cut {
    /// After how many instructions the victim is killed.
    pub(crate) at: u64,
    /// How to come near that point.
    pub(crate) leap: Option<Leap>,
    /// How long somebody is waited for before that is called a hang.
    pub(crate) patience: Duration,
    /// Whether its operation was over before: it took another path than when it was counted.
    pub(crate) missed: Cell<bool>,
    /// Whether someone went on only after so long a time that a slice of its wait must have ended.
    pub(crate) late: Cell<bool>,
    /// The instructions that were stepped through, by their addresses.
    pub(crate) path: RefCell<Vec<u64>>,
    /// Where the program has system calls, as far as it was looked: the same in all victims.
    pub(crate) calls: RefCell<HashMap<u64, bool>>,
}

impl Cut {
    /// A process that has done `prepare` and stands before `operation`, which will be stepped.
    pub(crate) fn victim<T>(
        &self,
        prepare: impl FnOnce() -> T,
        operation: impl FnOnce(T),
    ) -> Result<Victim<'_>, Harm> {
        Victim::start(self, prepare, operation)
    }

    /// A process that does `operation`, whose result is its exit code, and by now has done so or
    /// sleeps.
    pub(crate) fn companion(&self, operation: impl FnOnce() -> u8) -> Result<Companion<'_>, Harm> {
        Companion::start(self, operation)
    }

    /// As [`Cut::companion`], but it does sleep.
    pub(crate) fn sleeper(&self, operation: impl FnOnce() -> u8) -> Result<Companion<'_>, Harm> {
        let sleeper = Companion::start(self, operation)?;
        sure(sleeper.rests()?, || "one who was to sleep has gone on".into())?;
        Ok(sleeper)
    }
}

/// Corrupt if not `held`.
pub(crate) fn sure(held: bool, what: impl FnOnce() -> String) -> Result<(), Harm> {
    if held { Ok(()) } else { Err(Harm::Corrupt(what())) }
}

/// Corrupt if it is not what was expected.
pub(crate) fn same<T: PartialEq + fmt::Debug>(what: &str, got: T, expected: T) -> Result<(), Harm> {
    sure(got == expected, || format!("{what} is {got:?}, not {expected:?}"))
}
