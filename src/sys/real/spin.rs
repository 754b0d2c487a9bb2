//! Looking again and again, before one sleeps.

use crate::sys::{AtomicU32, Ordering::Relaxed};

/// About what a sleep costs.
const TURNS: u32 = 1_000;

/// The most waits without a look, after looks in vain.
const LONGEST_REST: u32 = 64;

/// Whether to look for what one waits for before one sleeps. A look is a thousand times sooner than a
/// sleep where the other runs on another processor, and in vain where it shares this one, or takes its
/// time. After a look in vain the next 2 waits go without one, then 4, then 8 …
///
/// Each process has its own. Threads that share one may disturb each other's count: it is a guess.
#[derive(Debug)]
pub(crate) struct Spin {
    /// Waits to go without.
    rest: AtomicU32,
    /// How many it will be after the next look in vain.
    next_rest: AtomicU32,
}

/// What is to be gone without, where looks are always in vain.
const NEVER: u32 = u32::MAX;

impl Spin {
    /// One that looks, or never does.
    pub(crate) fn new(looks: bool) -> Self {
        let rest = if looks { 0 } else { NEVER };
        Spin { rest: AtomicU32::new(rest), next_rest: AtomicU32::new(2) }
    }

    /// Whether to look this time.
    #[inline]
    pub(crate) fn is_due(&self) -> bool {
        // Relaxed: a guess, here and below.
        let rest = self.rest.load(Relaxed);
        if rest > 0 && rest != NEVER {
            // Relaxed: as above.
            self.rest.store(rest - 1, Relaxed);
        }
        rest == 0
    }

    /// Looks until `done` says so, for a short time; what it said last.
    #[inline]
    pub(crate) fn look(&self, done: impl Fn() -> bool) -> bool {
        for _ in 0..TURNS {
            if done() {
                // Relaxed: as above.
                self.next_rest.store(2, Relaxed);
                return true;
            }
            std::hint::spin_loop();
        }
        // Relaxed: as above.
        let rest = self.next_rest.load(Relaxed);
        // Relaxed: as above.
        self.rest.store(rest, Relaxed);
        // Relaxed: as above.
        self.next_rest.store((rest * 2).min(LONGEST_REST), Relaxed);
        done()
    }
}
