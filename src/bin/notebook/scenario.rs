//! The description of a scenario.

use anyhow::Result;

use crate::settings::Settings;
use crate::verdict::Verdict;

/// One cell of the notebook.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it shows, in one line.
    pub(crate) about: &'static str,
    /// Whether it computes all the time: then it gets a lower priority than those that sleep.
    pub(crate) busy: bool,
    /// Plays it, in a process of its own with one thread.
    pub(crate) play: fn(Settings) -> Result<Verdict>,
}
