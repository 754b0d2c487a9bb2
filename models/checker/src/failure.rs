//! An execution that fails.

use std::fmt;

/// An execution that fails. Shown, it is a table: a column for each thread, a row for each step.
#[derive(Clone, Debug)]
pub struct Failure {
    /// What the panic said, or who waits for ever.
    pub message: String,
    /// The decisions that lead there: what a replay takes.
    pub schedule: String,
    /// A column for each thread, a row for each step; empty where steps were not noted.
    pub table: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}", self.message, self.table)
    }
}

impl std::error::Error for Failure {}
