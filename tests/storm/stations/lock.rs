//! Two numbers under a lock, counted up one after the other.

use std::hint::black_box;

use multiproc::{Lock, LockGuard, Poisoned, ProcessSafe, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::{SHORT, between, linger};

/// The two, and how often they were mended.
#[derive(Debug, ProcessSafe)]
struct Counts {
    first: u64,
    second: u64,
    mended: u64,
}

pub(crate) struct Pair(Shared<Lock<Counts>>);

impl Pair {
    pub(crate) fn new() -> Self {
        Pair(Shared::new(Lock::new(Counts { first: 0, second: 0, mended: 0 })).unwrap())
    }

    fn mend<'l>(&'l self, poisoned: Poisoned<LockGuard<'l, Counts>>) -> LockGuard<'l, Counts> {
        let mut counts = poisoned.into_inner();
        counts.second = counts.first;
        counts.mended += 1;
        self.0.clear_poison();
        counts
    }
}

impl Station for Pair {
    fn name(&self) -> &'static str {
        "Lock"
    }

    fn visit(&self, _: usize, rng: &mut StdRng) -> bool {
        let taken = match rng.random_range(0..8) {
            0 => self.0.try_lock(),
            1 => self.0.lock_for(SHORT),
            _ => self.0.lock().map_err(TryLockError::Poisoned),
        };
        let mut counts = match taken {
            Ok(counts) => counts,
            Err(TryLockError::Poisoned(poisoned)) => self.mend(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        assert_eq!(counts.first, counts.second, "torn, and nobody was told");
        counts.first += 1;
        black_box(&mut *counts);
        linger(rng);
        counts.second += 1;
        true
    }

    fn balance(&self, visits: u64, deaths: u64) -> Balance {
        let counts = self.0.lock().unwrap_or_else(|poisoned| self.mend(poisoned));
        assert!(between(visits, deaths).contains(&counts.first), "{visits}, {deaths}: {counts:?}");
        assert!(counts.first == counts.second && counts.mended <= deaths, "{counts:?}");
        Balance { reported: counts.mended, lost: 0 }
    }
}
