//! Eight bytes of a message.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::sync::atomic::{AtomicU64, Ordering};

use crate::sys::real::copy::{copy_in, copy_out};

/// From this on, a loop costs more than a call.
const MANY: usize = 32;

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

    /// Reads granules into bytes, as many as there are of both.
    #[inline]
    pub(crate) fn read_all(from: &[Self], into: &mut [[u8; 8]]) {
        let count = from.len().min(into.len());
        if count < MANY {
            return into
                .iter_mut()
                .zip(from)
                .for_each(|(to, from)| *to = from.read().to_ne_bytes());
        }
        // SAFETY: so many there are of both, of eight bytes each. The bytes are borrowed; the granules are
        // atomics, which may be written by anybody, in any process.
        unsafe { copy_out(from.as_ptr().cast(), into.as_mut_ptr().cast(), 8 * count) }
    }

    /// Writes bytes into granules, as many as there are of both.
    #[inline]
    pub(crate) fn write_all(to: &[Self], from: &[[u8; 8]]) {
        let count = to.len().min(from.len());
        if count < MANY {
            return from.iter().zip(to).for_each(|(from, to)| to.write(u64::from_ne_bytes(*from)));
        }
        // SAFETY: so many there are of both, of eight bytes each. The bytes are borrowed; the granules are
        // atomics, which may be written by anybody, in any process, also through a shared reference.
        unsafe { copy_in(from.as_ptr().cast(), to.as_ptr().cast_mut().cast(), 8 * count) }
    }
}
