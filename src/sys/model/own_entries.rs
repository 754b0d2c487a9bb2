//! Where the threads of a model have entered their lives: each is a process that may end well.

use std::ops::Range;
use std::ptr;

use multiproc_checker::{mutant, thread};

use crate::sys::model::ProcessInstance;
use crate::sys::{Entry, Ordering::Relaxed};

#[derive(Debug)]
pub(crate) struct OwnEntries(());

impl OwnEntries {
    /// # Safety
    /// The entry is still there when the thread calls [`thread::exit`].
    pub(crate) unsafe fn remember(entry: &Entry) {
        let (mine, entry) = (ProcessInstance::current(), ptr::from_ref(entry));
        thread::at_exit(move || {
            // SAFETY: the caller's promise.
            let entry = unsafe { &*entry };
            // Relaxed: a life stands for itself.
            let _ = entry.compare_exchange(
                mine,
                mutant!("own_entries.leave", 0 => mine),
                Relaxed,
                Relaxed,
            );
        });
    }

    /// What a model shares lies on the heap, and is left with the whole.
    pub(crate) fn leave_in(_: Range<usize>) {}

    pub(crate) fn leave_all() {
        thread::run_at_exit();
    }
}
