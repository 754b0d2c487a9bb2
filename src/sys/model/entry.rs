//! A number of a ledger, as loom explores it.

use loom::sync::atomic::{AtomicU64, Ordering};

use crate::sys::model::word::loads_latest;

/// Stands in no entry, so that comparing with it always fails.
const NEVER: u64 = u64::MAX;

#[derive(Debug)]
pub(crate) struct Entry(AtomicU64);

impl Entry {
    pub(crate) fn new(value: u64) -> Self {
        Entry(AtomicU64::new(value))
    }

    pub(crate) fn all<const N: usize>(values: [u64; N]) -> [Self; N] {
        values.map(Entry::new)
    }

    pub(crate) fn load(&self, order: Ordering) -> u64 {
        if !loads_latest() {
            return self.0.load(order);
        }
        match self.0.compare_exchange(NEVER, NEVER, Ordering::Relaxed, order) {
            Ok(value) | Err(value) => value,
        }
    }

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
