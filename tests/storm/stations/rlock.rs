//! Two numbers under a lock that is entered again between counting up the one and the other.

use std::cell::Cell;

use multiproc::{Poisoned, RLock, RLockGuard, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::{SHORT, between, linger};

type Number = Cell<u64>;
/// The two, and how often they were mended.
type Counts = (Number, Number, Number);

pub(crate) struct Nested(Shared<RLock<Counts>>);

impl Nested {
    pub(crate) fn new() -> Self {
        Nested(Shared::new(RLock::new(Counts::default())).unwrap())
    }

    fn mend<'l>(&'l self, poisoned: Poisoned<RLockGuard<'l, Counts>>) -> RLockGuard<'l, Counts> {
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

impl Station for Nested {
    fn name(&self) -> &'static str {
        "RLock"
    }

    fn visit(&self, _: usize, rng: &mut StdRng) -> bool {
        let taken = match rng.random_range(0..8) {
            0 => self.0.try_lock(),
            1 => self.0.lock_for(SHORT),
            _ => self.0.lock().map_err(TryLockError::Poisoned),
        };
        let outer = match taken {
            Ok(counts) => counts,
            Err(TryLockError::Poisoned(poisoned)) => self.mend(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        assert_eq!(outer.0, outer.1, "torn, and nobody was told");
        count(&outer.0);
        let inner = self.0.lock().unwrap();
        linger(rng);
        // Also when the first guard goes first.
        if rng.random() {
            drop(outer);
        }
        count(&inner.1);
        true
    }

    fn balance(&self, visits: u64, deaths: u64) -> Balance {
        let counts = self.0.lock().unwrap_or_else(|poisoned| self.mend(poisoned));
        assert!(
            between(visits, deaths).contains(&counts.0.get()),
            "{visits}, {deaths}: {counts:?}"
        );
        let mended = counts.2.get();
        assert!(counts.0 == counts.1 && mended <= deaths, "{counts:?}");
        Balance { reported: mended, lost: 0 }
    }
}
