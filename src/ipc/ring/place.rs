//! Where a message lies in the ring.

use crate::ipc::ring::GRANULE;

/// Where a message lies.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub(super) start: u32,
    pub(super) bytes: u32,
}

impl Place {
    #[inline]
    pub(super) fn unpack(slot: u64) -> Self {
        Place { start: slot as u32, bytes: (slot >> 32) as u32 }
    }

    #[inline]
    pub(super) fn pack(self) -> u64 {
        u64::from(self.start) | u64::from(self.bytes) << 32
    }

    /// Never none, so that only an empty ring begins where it ends.
    #[inline]
    pub(super) fn granules(self) -> u32 {
        self.bytes.div_ceil(GRANULE as u32).max(1)
    }
}
