//! A process of a model is a thread, which ends when it says so, or when the search kills it.

use std::cell::RefCell;
use std::collections::BTreeSet;

use crate::sys::model::world;
use crate::sys::{Deadline, Me};

std::thread_local! {
    /// In the model that this OS thread runs.
    static ENDED: RefCell<BTreeSet<u64>> = const { RefCell::new(BTreeSet::new()) };
}

/// The calling thread is over, with all that it holds: it is to do nothing more. loom does not see
/// it: let those who look be ordered after it by other means.
#[doc(hidden)]
pub fn end_life() {
    ENDED.with_borrow_mut(|ended| ended.insert(Life::mine()));
    if world::is_here() {
        world::private_step("ends");
    }
}

/// To be called as an interleaving begins.
pub(crate) fn forget_lives() {
    ENDED.take();
}

#[derive(Debug)]
pub(crate) struct Life(());

impl Life {
    /// Whether this model is about lives that end where nobody says so.
    pub(crate) fn can_end() -> bool {
        world::is_here() && world::with(|world| world.has_deaths())
    }

    pub(crate) fn mine() -> u64 {
        u64::from(Me::current().tid())
    }

    pub(crate) fn pid(life: u64) -> u32 {
        life as u32
    }

    /// Nobody waits for it: see [`Me::has_left`].
    pub(crate) fn wait_over(life: u64, _: Deadline) -> bool {
        Self::is_over(life)
    }

    pub(crate) fn is_over(life: u64) -> bool {
        let ended = ENDED.with_borrow(|ended| ended.contains(&life));
        if !world::is_here() {
            return ended;
        }
        let over = ended || world::is_named_dead(life);
        world::observe(over);
        over
    }
}
