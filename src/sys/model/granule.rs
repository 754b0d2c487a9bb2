//! Eight bytes of a message, as a model tracks them: in loom, an access that another may race with
//! fails the model.

use std::panic::Location;

use crate::sys::model::trace::Label;
use crate::sys::model::world::{self, Var};

#[derive(Debug)]
pub(crate) enum Granule {
    Loom(loom::cell::UnsafeCell<u64>),
    Search(Var),
}

impl Granule {
    #[track_caller]
    pub(crate) fn new() -> Self {
        if world::is_here() {
            Granule::Search(world::make(0, Label::next(Location::caller())))
        } else {
            Granule::Loom(loom::cell::UnsafeCell::new(0))
        }
    }

    pub(crate) fn read(&self) -> u64 {
        match self {
            Granule::Search(var) => world::peek(*var),
            // SAFETY: loom runs one thread at a time, and ends the model when this access races.
            Granule::Loom(cell) => cell.with(|bytes| unsafe { *bytes }),
        }
    }

    pub(crate) fn write(&self, bytes: u64) {
        match self {
            Granule::Search(var) => world::poke(*var, bytes),
            // SAFETY: as above.
            Granule::Loom(cell) => cell.with_mut(|place| unsafe { *place = bytes }),
        }
    }
}
