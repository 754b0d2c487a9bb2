//! Whether a primitive lies in memory that processes share.

use crate::sys::Ordering::Relaxed;
use crate::sys::real::futex::Futex;

/// Whether what this is a part of has come to shared memory, where it is not moved any more. All zero is
/// valid: it has not.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Placement(Futex);

/// In shared memory.
const SETTLED: u32 = 1;

impl Placement {
    pub(crate) const fn new() -> Self {
        Placement(Futex::new(0))
    }

    /// It has come to shared memory.
    pub(crate) fn settle(&mut self) {
        // Relaxed: nobody else knows of it yet.
        self.0.store(SETTLED, Relaxed);
    }

    #[inline(always)]
    pub(crate) fn is_settled(&self) -> bool {
        // Relaxed: written before anyone else knew of it.
        self.0.load(Relaxed) == SETTLED
    }
}
