//! Permits of a semaphore. A killed worker's permit is lost: the parent process releases another.

use std::fmt::Debug;

use multiproc::{BoundedSemaphore, Permit, ProcessSafe, Semaphore, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target, WORKERS};
use crate::targets::{SHORT, delay};

/// Fewer than there are workers.
const PERMITS: u32 = 2;

/// A worker's state: it holds a permit, or it may hold one.
const HOLDS: u32 = 1;
const MAY_HOLD: u32 = 2;

/// The indices of the counts of permits that the parent released for workers that held one, or may
/// have held one.
const RELEASED: usize = WORKERS;
const PERHAPS_RELEASED: usize = WORKERS + 1;

/// What the two semaphores have in common.
pub(crate) trait Permits: ProcessSafe + Send + Sync + Debug {
    const NAME: &'static str;
    /// Whether it refuses more permits than it began with.
    const BOUNDED: bool;

    fn new(permits: u32) -> Self;
    /// Acquires in one of eight ways.
    fn take(&self, choice: u32) -> Option<Permit<'_>>;
    /// Releases one; false if that is refused.
    fn give(&self) -> bool;
    fn value(&self) -> u32;
}

macro_rules! permits {
    ($type:ident, $bounded:literal) => {
        impl Permits for $type {
            const NAME: &'static str = stringify!($type);
            const BOUNDED: bool = $bounded;

            fn new(permits: u32) -> Self {
                $type::new(permits)
            }

            fn take(&self, choice: u32) -> Option<Permit<'_>> {
                match choice {
                    0 => self.try_acquire(),
                    1 => self.acquire_for(SHORT),
                    _ => Some(self.acquire()),
                }
            }

            fn give(&self) -> bool {
                self.release(1).is_ok()
            }

            fn value(&self) -> u32 {
                $type::value(self)
            }
        }
    };
}

permits!(Semaphore, false);
permits!(BoundedSemaphore, true);

pub(crate) struct SemaphoreTarget<S: Permits> {
    semaphore: Shared<S>,
    /// The state of each worker, then the parent's counts.
    words: SharedArray<u32>,
}

impl<S: Permits> SemaphoreTarget<S> {
    pub(crate) fn new() -> Self {
        SemaphoreTarget {
            semaphore: Shared::new(S::new(PERMITS)).unwrap(),
            words: SharedArray::zeroed(WORKERS + 2).unwrap(),
        }
    }
}

impl<S: Permits> Target for SemaphoreTarget<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn use_once(&self, worker: usize, rng: &mut StdRng) -> bool {
        let record = |state| self.words.set(worker, state).unwrap();
        record(MAY_HOLD);
        let permit = self.semaphore.take(rng.random_range(0..8));
        if permit.is_some() {
            record(HOLDS);
            delay(rng);
            record(MAY_HOLD);
        }
        let done = permit.is_some();
        drop(permit);
        record(0);
        done
    }

    fn repair_after(&self, killed: usize) {
        let count = match self.words.swap(killed, 0).unwrap() {
            HOLDS => RELEASED,
            MAY_HOLD => PERHAPS_RELEASED,
            _ => return,
        };
        // A bounded one refuses it once more were released than were lost.
        let given = self.semaphore.give();
        assert!(given || S::BOUNDED, "{:?}", self.semaphore);
        self.words.fetch_add(count, given.into()).unwrap();
    }

    fn check(&self, _: u64, deaths: u64) -> Damage {
        let [given, perhaps] =
            [RELEASED, PERHAPS_RELEASED].map(|count| self.words.get(count).unwrap());
        let value = self.semaphore.value();
        let surplus = if S::BOUNDED { 0 } else { perhaps };
        assert!((PERMITS..=PERMITS + surplus).contains(&value), "{value} and {surplus} to spare");
        assert!(u64::from(given + perhaps) <= deaths);
        Damage { reported: 0, lost: u64::from(given + perhaps - (value - PERMITS)) }
    }
}
