//! A lock's note of who has lent its value.

use multiproc_checker::thread;

use crate::sys::{Entry, Ordering};

/// A process that lends nothing does not write it, and nobody reads it where none does: these steps would only
/// multiply those that matter.
#[derive(Debug)]
pub(crate) struct Lender(Entry);

impl Lender {
    #[track_caller]
    pub(crate) fn new(life: u64) -> Self {
        Lender(Entry::new(life))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        if thread::has_lenders() { self.0.load(order) } else { 0 }
    }

    #[track_caller]
    pub(crate) fn store(&self, life: u64, order: Ordering) {
        if thread::is_lender() {
            self.0.store(life, order);
        }
    }
}
