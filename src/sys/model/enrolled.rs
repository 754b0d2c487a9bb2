//! Where the threads of a model have entered their lives: each is a process that may end well.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::RefCell;
use std::ops::Range;
use std::ptr;

use multiproc_checker::mutant;

use crate::sys::model::life::{Life, end_life};
use crate::sys::{Entry, Ordering::Relaxed};

std::thread_local! {
    /// In the model that this OS thread runs: whose life, and where.
    static PLACES: RefCell<Vec<(u64, *const Entry)>> = const { RefCell::new(Vec::new()) };
}

/// The calling thread is over, as after [`end_life`], but as a process that ends well: while what it
/// shares with others is still there.
#[doc(hidden)]
pub fn end_well() {
    Enrolled::leave_all();
    end_life();
}

/// To be called as an interleaving begins.
pub(crate) fn forget_places() {
    PLACES.take();
}

#[derive(Debug)]
pub(crate) struct Enrolled(());

impl Enrolled {
    /// # Safety
    /// The entry is still there when the thread calls [`end_well`].
    pub(crate) unsafe fn remember(entry: &Entry) {
        PLACES.with_borrow_mut(|places| places.push((Life::mine(), ptr::from_ref(entry))));
    }

    /// What a model shares lies on the heap, and is left with the whole.
    pub(crate) fn leave_in(_: Range<usize>) {}

    pub(crate) fn leave_all() {
        let mine = Life::mine();
        let places = PLACES.with_borrow(|places| {
            let mine = places.iter().filter(|(life, _)| *life == mine);
            mine.map(|&(_, entry)| entry).collect::<Vec<_>>()
        });
        for entry in places {
            // SAFETY: by the promise of `remember`.
            let entry = unsafe { &*entry };
            // Relaxed: a life stands for itself.
            let _ = entry.compare_exchange(
                mine,
                mutant!("enrolled.leave", 0 => mine),
                Relaxed,
                Relaxed,
            );
        }
    }
}
