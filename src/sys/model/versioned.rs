//! A word with a version, as a model has it: without a number, since the checker knows who has seen the
//! newest. With loom nobody asks for a version, since nobody is ever gone there.

use std::ops::Deref;

use multiproc_checker::version;

use crate::sys::{Ordering, Word};

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
        version::see(self.0.atomic());
        0
    }

    #[track_caller]
    pub(crate) fn exchange(&self, old: u32, new: u32, order: Ordering) -> Result<(), u32> {
        version::exchange(self.0.atomic(), old, new, order)
    }

    #[track_caller]
    pub(crate) fn exchange_since(&self, _: u32, old: u32, new: u32, order: Ordering) -> bool {
        version::exchange_if_seen(self.0.atomic(), old, new, order)
    }
}

impl Deref for Versioned {
    type Target = Word;

    fn deref(&self) -> &Word {
        &self.0
    }
}
