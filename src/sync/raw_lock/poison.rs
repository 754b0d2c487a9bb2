//! That an owner died or panicked, for those who lock later.

use crate::error::PoisonCause;
use crate::sync::raw_lock::RawLock;
use crate::sys::Ordering::*;

/// What stands in `poison`.
const PANICKED: u32 = 1;
const DIED: u32 = 2;

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl RawLock {
    /// Whether an owner died or panicked, and nobody cleared it since.
    #[inline(always)]
    pub(crate) fn poison(&self) -> Option<PoisonCause> {
        // Relaxed: written and read under the lock, but by the curious and by `clear_poison`.
        match self.poison.load(Relaxed) {
            0 => None,
            PANICKED => Some(PoisonCause::Panicked),
            _ => Some(PoisonCause::OwnerDied),
        }
    }

    pub(crate) fn set_poison(&self, cause: PoisonCause) {
        let value = match cause {
            PoisonCause::Panicked => PANICKED,
            PoisonCause::OwnerDied => DIED,
        };
        // Relaxed: as in `poison`.
        self.poison.store(value, Relaxed);
    }

    pub(crate) fn clear_poison(&self) {
        // Relaxed: as in `poison`.
        self.poison.store(0, Relaxed);
    }
}
