//! A number of a ledger: who has what.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::sync::atomic::{AtomicU64, Ordering};

/// An atomic `u64`. All zero is a valid entry.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Entry(AtomicU64);

impl Entry {
    pub(crate) const fn new(value: u64) -> Self {
        Entry(AtomicU64::new(value))
    }

    /// A ledger of these.
    pub(crate) const fn all<const N: usize>(values: [u64; N]) -> [Self; N] {
        let mut entries = [const { Entry::new(0) }; N];
        let mut at = 0;
        while at < N {
            entries[at] = Entry::new(values[at]);
            at += 1;
        }
        entries
    }

    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    #[inline]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        old: u64,
        new: u64,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u64, u64> {
        self.0.compare_exchange(old, new, success, failure)
    }
}

/// The life of the process to whose threads a lock's value is lent; 0 is nobody's.
pub(crate) type Lender = Entry;
