//! Permits of a semaphore, of which a dead one's is gone with it: the judge gives it back.

use std::fmt::Debug;

use multiproc::{BoundedSemaphore, Permit, ProcessSafe, Semaphore, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station, WORKERS};
use crate::stations::{SHORT, linger};

/// Fewer than there are workers.
const PERMITS: u32 = 2;

/// What a worker says of itself: that it holds a permit, or that it may.
const HOLDS: u32 = 1;
const MAY_HOLD: u32 = 2;

/// How many permits the judge has given for the dead that held one, or may have.
const GIVEN: usize = WORKERS;
const GIVEN_PERHAPS: usize = WORKERS + 1;

/// What the two have in common.
pub(crate) trait Permits: ProcessSafe + Send + Sync + Debug {
    const NAME: &'static str;
    /// Whether it refuses to have more permits than it began with.
    const BOUNDED: bool;

    fn new(permits: u32) -> Self;
    /// By one of eight ways.
    fn take(&self, way: u32) -> Option<Permit<'_>>;
    /// Gives one; false if that is refused.
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

            fn take(&self, way: u32) -> Option<Permit<'_>> {
                match way {
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

pub(crate) struct Counter<S: Permits> {
    semaphore: Shared<S>,
    /// Of each worker what it says, then the judge's counts.
    words: SharedArray<u32>,
}

impl<S: Permits> Counter<S> {
    pub(crate) fn new() -> Self {
        Counter {
            semaphore: Shared::new(S::new(PERMITS)).unwrap(),
            words: SharedArray::zeroed(WORKERS + 2).unwrap(),
        }
    }
}

impl<S: Permits> Station for Counter<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn visit(&self, worker: usize, rng: &mut StdRng) -> bool {
        let say = |what| self.words.set(worker, what).unwrap();
        say(MAY_HOLD);
        let permit = self.semaphore.take(rng.random_range(0..8));
        if permit.is_some() {
            say(HOLDS);
            linger(rng);
            say(MAY_HOLD);
        }
        let done = permit.is_some();
        drop(permit);
        say(0);
        done
    }

    fn bury(&self, worker: usize) {
        let count = match self.words.swap(worker, 0).unwrap() {
            HOLDS => GIVEN,
            MAY_HOLD => GIVEN_PERHAPS,
            _ => return,
        };
        // A bounded one refuses what is too much, once more was given than was missing.
        let given = self.semaphore.give();
        assert!(given || S::BOUNDED, "{:?}", self.semaphore);
        self.words.fetch_add(count, given.into()).unwrap();
    }

    fn balance(&self, _: u64, deaths: u64) -> Balance {
        let [given, perhaps] = [GIVEN, GIVEN_PERHAPS].map(|count| self.words.get(count).unwrap());
        let value = self.semaphore.value();
        let surplus = if S::BOUNDED { 0 } else { perhaps };
        assert!((PERMITS..=PERMITS + surplus).contains(&value), "{value} and {surplus} to spare");
        assert!(u64::from(given + perhaps) <= deaths);
        Balance { reported: 0, lost: u64::from(given + perhaps - (value - PERMITS)) }
    }
}
