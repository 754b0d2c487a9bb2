//! A number of a ledger, as a model has it.

use crate::sys::Ordering;
use crate::sys::model::atom::Atom;

#[derive(Debug)]
pub(crate) struct Entry(Atom<u64>);

impl Entry {
    #[track_caller]
    pub(crate) fn new(value: u64) -> Self {
        Entry(Atom::new(value))
    }

    #[track_caller]
    pub(crate) fn all<const N: usize>(values: [u64; N]) -> [Self; N] {
        let at = std::panic::Location::caller();
        values.map(|value| Entry(Atom::made(value, at)))
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> u64 {
        self.0.load(order)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: u64, order: Ordering) {
        self.0.store(value, order);
    }

    #[track_caller]
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
