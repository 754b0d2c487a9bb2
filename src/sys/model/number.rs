//! Numbers of all kinds.

use std::mem::MaybeUninit;

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

    pub(crate) fn read_all(from: &[Self], into: &mut [[u8; 8]]) {
        into.iter_mut().zip(from).for_each(|(to, from)| *to = from.read().to_ne_bytes());
    }

    pub(crate) fn write_all(to: &[Self], from: &[[u8; 8]]) {
        from.iter().zip(to).for_each(|(from, to)| to.write(u64::from_ne_bytes(*from)));
    }
}

/// Reads elements, each by an Acquire, as many as there are of both.
pub(crate) fn load_all<T: Atomic>(from: &[T::Atom], into: &mut [MaybeUninit<T>]) {
    into.iter_mut().zip(from).for_each(|(to, from)| {
        to.write(T::load(from, Ordering::Acquire));
    });
}

/// Writes elements, each by a Release, as many as there are of both.
pub(crate) fn store_all<T: Atomic + Copy>(to: &[T::Atom], from: &[T]) {
    from.iter().zip(to).for_each(|(&from, to)| T::store(to, from, Ordering::Release));
}

/// Copies between bytes of this process's own.
pub(crate) fn copy_bytes(from: &[u8], into: &mut [u8]) {
    into.copy_from_slice(from);
}

/// The same to bytes that are not initialised yet.
pub(crate) fn init_bytes(from: &[u8], into: &mut [MaybeUninit<u8>]) {
    assert_eq!(from.len(), into.len(), "bytes are copied to a place of their size");
    into.iter_mut().zip(from).for_each(|(to, from)| {
        to.write(*from);
    });
}
