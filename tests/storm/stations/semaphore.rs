//! Permits of a semaphore, of which a dead one's is gone with it: the judge gives it back.

use multiproc::{Semaphore, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station, WORKERS};
use crate::stations::{SHORT, linger};

/// Fewer than there are workers.
const PERMITS: u32 = 2;

/// What a worker says of itself: that it holds a permit, or that it may.
const HOLDS: u32 = 1;
const MAY_HOLD: u32 = 2;

/// How many permits the judge has given for the dead, that held one, or may have.
const GIVEN: usize = WORKERS;
const GIVEN_PERHAPS: usize = WORKERS + 1;

pub(crate) struct Permits {
    semaphore: Shared<Semaphore>,
    /// Of each worker what it says, then the judge's counts.
    words: SharedArray<u32>,
}

impl Permits {
    pub(crate) fn new() -> Self {
        Permits {
            semaphore: Shared::new(Semaphore::new(PERMITS)).unwrap(),
            words: SharedArray::zeroed(WORKERS + 2).unwrap(),
        }
    }
}

impl Station for Permits {
    fn name(&self) -> &'static str {
        "Semaphore"
    }

    fn visit(&self, worker: usize, rng: &mut StdRng) -> bool {
        let say = |what| self.words.set(worker, what).unwrap();
        say(MAY_HOLD);
        let permit = match rng.random_range(0..8) {
            0 => self.semaphore.try_acquire(),
            1 => self.semaphore.acquire_for(SHORT),
            _ => Some(self.semaphore.acquire()),
        };
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
        self.words.fetch_add(count, 1).unwrap();
        self.semaphore.release(1).unwrap();
    }

    fn balance(&self, _: u64, deaths: u64) -> Balance {
        let [given, perhaps] = [GIVEN, GIVEN_PERHAPS].map(|count| self.words.get(count).unwrap());
        let value = self.semaphore.value();
        assert!((PERMITS..=PERMITS + perhaps).contains(&value), "{value} permits, {perhaps} more");
        let lost = u64::from(given + perhaps - (value - PERMITS));
        assert!(lost <= deaths);
        Balance { reported: 0, lost }
    }
}
