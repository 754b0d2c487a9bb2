//! How long to look again before going to sleep.

use crate::sys::Ordering::Relaxed;
use crate::sys::real::AtomicU32;
use crate::sys::real::futex::Futex;

/// Times that whoever looked in vain lets others run before it sleeps.
const YIELDS: u32 = 2;

/// The most looks before a sleep: some ten microseconds, a quarter of what a sleep costs.
const MOST: u32 = 400;
/// The fewest that are worth trying.
const FEWEST: u32 = 16;
/// Waits without a look between two trials, once looking was in vain.
const REST: u32 = 15;

/// A learned number of looks.
///
/// A peer on another core is met within a few hundred looks, a thousand times sooner than by a
/// sleep; a peer that shares the core cannot come while one looks. So: as many looks as lately
/// were needed and as many again; none when the last were in vain, but for a trial now and then.
///
/// A number up to [`MOST`] is looks, one above it counts the rest until the next trial. Anyone may
/// write it at any time and anything: it is a guess that costs at most [`MOST`] looks.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct AdaptiveSpin(AtomicU32);

impl AdaptiveSpin {
    pub(crate) const fn new() -> Self {
        AdaptiveSpin(AtomicU32::new(MOST))
    }

    /// Looks at the word, seen as `seen`, as often as is worth it, until `done` likes it; gives what it was
    /// last.
    pub(crate) fn look(&self, word: &Futex, mut seen: u32, done: impl Fn(u32) -> bool) -> u32 {
        let turns = self.turns();
        if turns > 0 {
            let taken;
            (seen, taken) = word.spin_for(turns, &done);
            self.learn(taken, done(seen));
        }
        if done(seen) { seen } else { word.yield_for(YIELDS, done) }
    }

    /// How many looks to take now.
    pub(crate) fn turns(&self) -> u32 {
        // Relaxed: a guess, on which nothing rides.
        let now = self.0.load(Relaxed);
        match now {
            0..=MOST => now,
            _ if now - 1 == MOST => {
                self.0.store(MOST, Relaxed);
                MOST
            }
            _ => {
                self.0.store((now - 1).min(MOST + REST), Relaxed);
                0
            }
        }
    }

    /// Learns from `taken` looks: whether they were enough.
    fn learn(&self, taken: u32, enough: bool) {
        // Relaxed: as in `turns`.
        if enough {
            self.0.store((taken * 2).clamp(FEWEST, MOST), Relaxed);
        } else {
            self.0.store(MOST + REST, Relaxed);
        }
    }

    #[cfg(test)]
    pub(crate) fn scribble(&self, value: u32) {
        // Relaxed: as in `turns`.
        self.0.store(value, Relaxed);
    }
}
