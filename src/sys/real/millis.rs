//! The time that goes by.

use crate::sys::now;

/// Milliseconds on the clock, the same for all processes; they come round again after 49 days.
pub(crate) fn millis() -> u32 {
    let now = now();
    (now.tv_sec as u64).wrapping_mul(1000).wrapping_add(now.tv_nsec as u64 / 1_000_000) as u32
}
