//! Eight bytes of a message.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::sync::atomic::{AtomicU64, Ordering};

/// Eight bytes that a protocol guards. A peer that keeps to no protocol may write them at any
/// time, so they are copied by atomics, which cost what plain copies of eight bytes do.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Granule(AtomicU64);

impl Granule {
    pub(crate) const fn new() -> Self {
        Granule(AtomicU64::new(0))
    }

    #[inline]
    pub(crate) fn read(&self) -> u64 {
        // Relaxed: the protocol around it orders the access.
        self.0.load(Ordering::Relaxed)
    }

    #[inline]
    pub(crate) fn write(&self, bytes: u64) {
        // Relaxed: as above.
        self.0.store(bytes, Ordering::Relaxed);
    }
}
