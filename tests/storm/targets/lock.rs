//! Two numbers that are incremented one after the other under a lock.

use std::hint::black_box;

use multiproc::{Lock, LockGuard, Poisoned, ProcessSafe, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::{SHORT, delay, possible};

/// The two numbers, and how often they were repaired.
#[derive(Debug, ProcessSafe)]
struct Counts {
    first: u64,
    second: u64,
    repaired: u64,
}

pub(crate) struct LockTarget(Shared<Lock<Counts>>);

impl LockTarget {
    pub(crate) fn new() -> Self {
        LockTarget(Shared::new(Lock::new(Counts { first: 0, second: 0, repaired: 0 })).unwrap())
    }

    fn repair<'l>(&'l self, poisoned: Poisoned<LockGuard<'l, Counts>>) -> LockGuard<'l, Counts> {
        let mut counts = poisoned.into_inner();
        counts.second = counts.first;
        counts.repaired += 1;
        self.0.clear_poison();
        counts
    }
}

impl Target for LockTarget {
    fn name(&self) -> &'static str {
        "Lock"
    }

    fn use_once(&self, _: usize, rng: &mut StdRng) -> bool {
        let taken = match rng.random_range(0..8) {
            0 => self.0.try_lock(),
            1 => self.0.lock_for(SHORT),
            _ => self.0.lock().map_err(TryLockError::Poisoned),
        };
        let mut counts = match taken {
            Ok(counts) => counts,
            Err(TryLockError::Poisoned(poisoned)) => self.repair(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        assert_eq!(counts.first, counts.second, "torn, and not reported");
        counts.first += 1;
        black_box(&mut *counts);
        delay(rng);
        counts.second += 1;
        true
    }

    fn check(&self, uses: u64, deaths: u64) -> Damage {
        let counts = self.0.lock().unwrap_or_else(|poisoned| self.repair(poisoned));
        assert!(possible(uses, deaths).contains(&counts.first), "{uses}, {deaths}: {counts:?}");
        assert!(counts.first == counts.second && counts.repaired <= deaths, "{counts:?}");
        Damage { reported: counts.repaired, lost: 0 }
    }
}
