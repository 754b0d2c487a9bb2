//! Two numbers that are incremented one after the other, the second under a second guard.

use std::cell::Cell;

use multiproc::{Poisoned, RLock, RLockGuard, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::{SHORT, delay, possible};

type Number = Cell<u64>;
/// The two numbers, and how often they were repaired.
type Counts = (Number, Number, Number);

pub(crate) struct RLockTarget(Shared<RLock<Counts>>);

impl RLockTarget {
    pub(crate) fn new() -> Self {
        RLockTarget(Shared::new(RLock::new(Counts::default())).unwrap())
    }

    fn repair<'l>(&'l self, poisoned: Poisoned<RLockGuard<'l, Counts>>) -> RLockGuard<'l, Counts> {
        let counts = poisoned.into_inner();
        counts.1.set(counts.0.get());
        count(&counts.2);
        self.0.clear_poison();
        counts
    }
}

fn count(number: &Number) {
    number.set(number.get() + 1);
}

impl Target for RLockTarget {
    fn name(&self) -> &'static str {
        "RLock"
    }

    fn use_once(&self, _: usize, rng: &mut StdRng) -> bool {
        let taken = match rng.random_range(0..8) {
            0 => self.0.try_lock(),
            1 => self.0.lock_for(SHORT),
            _ => self.0.lock().map_err(TryLockError::Poisoned),
        };
        let outer = match taken {
            Ok(counts) => counts,
            Err(TryLockError::Poisoned(poisoned)) => self.repair(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        assert_eq!(outer.0, outer.1, "torn, and not reported");
        count(&outer.0);
        let inner = self.0.lock().unwrap();
        delay(rng);
        // Also with the first guard dropped first.
        if rng.random() {
            drop(outer);
        }
        count(&inner.1);
        true
    }

    fn check(&self, uses: u64, deaths: u64) -> Damage {
        let counts = self.0.lock().unwrap_or_else(|poisoned| self.repair(poisoned));
        assert!(possible(uses, deaths).contains(&counts.0.get()), "{uses}, {deaths}: {counts:?}");
        let repaired = counts.2.get();
        assert!(counts.0 == counts.1 && repaired <= deaths, "{counts:?}");
        Damage { reported: repaired, lost: 0 }
    }
}
