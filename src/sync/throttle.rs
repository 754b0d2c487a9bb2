//! Who of those that wait looks whether the others still live.

use std::time::Duration;

use crate::sys::{Futex, Ordering::Relaxed, const_fn, millis};

/// When someone last looked, so that of a thousand who wait one looks, and not a thousand.
#[repr(transparent)]
#[derive(Debug)]
pub(super) struct Throttle(Futex);

impl Throttle {
    const_fn! {
        pub(super) fn new() -> Self {
            Throttle(Futex::new(0))
        }
    }

    /// Whether it is the caller's turn: nobody has looked for so long, and from now on the caller has.
    /// If it dies before it does look, another's turn comes after as long again.
    pub(super) fn is_due(&self, gap: Duration) -> bool {
        let now = millis();
        // Relaxed: here and below, a time stands for itself. One that is still to come, by a peer's
        // hand, lies long ago.
        let last = self.0.load(Relaxed);
        u128::from(now.wrapping_sub(last)) >= gap.as_millis()
            // Relaxed: as above.
            && self.0.compare_exchange(last, now, Relaxed, Relaxed).is_ok()
    }
}
