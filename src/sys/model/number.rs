//! Numbers of all kinds.

use multiproc_checker::PlainU64;

use crate::sys::{Atomic, AtomicU64, Ordering};

/// A number in its atomic.
#[derive(Debug)]
pub(crate) struct Number<T: Atomic>(T::Atom);

impl<T: Atomic> Number<T> {
    pub(crate) fn new(value: T) -> Self {
        Number(value.atom())
    }

    pub(crate) fn atom(&self) -> &T::Atom {
        &self.0
    }
}

/// A number of a ledger.
#[derive(Debug)]
pub(crate) struct Entry(AtomicU64);

impl Entry {
    #[track_caller]
    pub(crate) fn new(value: u64) -> Self {
        Entry(AtomicU64::new(value))
    }

    #[track_caller]
    pub(crate) fn all<const N: usize>(values: [u64; N]) -> [Self; N] {
        let mut entries = Vec::new();
        for value in values {
            entries.push(Entry::new(value));
        }
        entries.try_into().expect("as many as there are values")
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

/// Eight bytes of a message.
#[derive(Debug)]
pub(crate) struct Granule(PlainU64);

impl Granule {
    #[track_caller]
    pub(crate) fn new() -> Self {
        Granule(PlainU64::new(0))
    }

    pub(crate) fn read(&self) -> u64 {
        self.0.read()
    }

    pub(crate) fn write(&self, bytes: u64) {
        self.0.write(bytes);
    }
}
