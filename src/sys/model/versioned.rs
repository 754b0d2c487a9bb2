//! A word with a version, as a model has it.
//!
//! All that matters of a version is whether it is still the one that somebody has seen. So there is no
//! number, which would make another state of each round: a thread of a search has seen the newest
//! version of a word, or it has not. By loom nobody asks for a version, since nobody is ever gone there.

use std::ops::Deref;
use std::panic::Location;

use crate::sys::Ordering::{self, Relaxed};
use crate::sys::model::word::Word;
use crate::sys::model::world;

#[derive(Debug)]
pub(crate) struct Versioned(Word);

impl Versioned {
    #[track_caller]
    pub(crate) fn new(value: u32) -> Self {
        Versioned(Word::new(value))
    }

    pub(crate) fn word(&self) -> &Word {
        &self.0
    }

    /// The caller has seen the newest version; it needs no number.
    #[track_caller]
    pub(crate) fn version(&self) -> u32 {
        match self.0.var() {
            Some(var) => world::see_version(var, Location::caller()),
            None => unreachable!("by loom nobody is gone"),
        }
        0
    }

    #[track_caller]
    pub(crate) fn exchange(&self, old: u32, new: u32, order: Ordering) -> Result<(), u32> {
        match self.0.var() {
            Some(var) => world::exchange_versioned(var, old, new, false, Location::caller()),
            None => self.0.compare_exchange(old, new, order, Relaxed).map(drop),
        }
    }

    #[track_caller]
    pub(crate) fn exchange_since(&self, _: u32, old: u32, new: u32, order: Ordering) -> bool {
        match self.0.var() {
            Some(var) => world::exchange_versioned(var, old, new, true, Location::caller()).is_ok(),
            None => self.0.compare_exchange(old, new, order, Relaxed).is_ok(),
        }
    }
}

impl Deref for Versioned {
    type Target = Word;

    fn deref(&self) -> &Word {
        &self.0
    }
}
