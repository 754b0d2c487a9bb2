//! Numbers that are not atomic: two accesses that race fail the model.

use std::panic::Location;

use crate::executor::{PlainObject, executor};
use crate::trace::Label;

/// A number that nothing guards but the protocol. Each access is a step, so that the search sees others
/// come between.
#[derive(Debug)]
pub struct Data(Box<dyn PlainObject>);

// SAFETY: the threads of a model are coroutines of one OS thread.
unsafe impl Send for Data {}
// SAFETY: as above, and the executor checks every access.
unsafe impl Sync for Data {}

impl Default for Data {
    #[track_caller]
    fn default() -> Self {
        Self::new(0)
    }
}

impl Data {
    /// A number.
    #[track_caller]
    pub fn new(value: u32) -> Self {
        Data(executor().plain(value.into(), Label::next(Location::caller())))
    }

    /// Reads it.
    #[track_caller]
    pub fn read(&self) -> u32 {
        self.0.read_in_step(Location::caller()) as u32
    }

    /// Writes it.
    #[track_caller]
    pub fn write(&self, value: u32) {
        self.0.write_in_step(value.into(), Location::caller());
    }

    /// Reads and writes: two steps, between which whoever else has access is seen.
    #[track_caller]
    pub fn add(&self, more: u32) {
        self.write(self.read() + more);
    }
}

/// Eight bytes of what is copied piece by piece, such as a message. The search takes an access for part
/// of the step before it, which is enough where data is reached only by who has won a step; that two
/// accesses race, loom sees.
#[derive(Debug)]
pub struct PlainU64(Box<dyn PlainObject>);

// SAFETY: as for `Data`.
unsafe impl Send for PlainU64 {}
// SAFETY: as for `Data`.
unsafe impl Sync for PlainU64 {}

impl PlainU64 {
    /// Eight bytes.
    #[track_caller]
    pub fn new(value: u64) -> Self {
        PlainU64(executor().plain(value, Label::next(Location::caller())))
    }

    /// Reads them.
    pub fn read(&self) -> u64 {
        self.0.read()
    }

    /// Writes them.
    pub fn write(&self, value: u64) {
        self.0.write(value);
    }
}
