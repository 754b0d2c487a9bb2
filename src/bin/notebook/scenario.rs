//! What the program knows of a scenario.

use anyhow::Result;

use crate::stage::Stage;
use crate::verdict::Verdict;

/// One cell of the notebook.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    /// What it shows, in one line.
    pub(crate) about: &'static str,
    /// Whether it computes all the time, so that it must give way to those that keep time.
    pub(crate) busy: bool,
    /// Plays it, in a process of its own that has one thread.
    pub(crate) play: fn(Stage) -> Result<Verdict>,
}
