//! An array: two elements under its lock, counted up one after the other, and one that is added to.

use multiproc::{ArrayGuard, Poisoned, SharedArray, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::{SHORT, between, linger};

const FIRST: usize = 0;
const SECOND: usize = 1;
const MENDED: usize = 2;
const ADDED: usize = 3;

pub(crate) struct Numbers(SharedArray<u64>);

impl Numbers {
    pub(crate) fn new() -> Self {
        Numbers(SharedArray::zeroed(4).unwrap())
    }

    fn mend<'a>(&'a self, poisoned: Poisoned<ArrayGuard<'a>>) -> ArrayGuard<'a> {
        let guard = poisoned.into_inner();
        self.0.set(SECOND, self.get(FIRST)).unwrap();
        self.count(MENDED);
        self.0.clear_poison();
        guard
    }

    fn get(&self, index: usize) -> u64 {
        self.0.get(index).unwrap()
    }

    /// In two steps.
    fn count(&self, index: usize) {
        self.0.set(index, self.get(index) + 1).unwrap();
    }
}

impl Station for Numbers {
    fn name(&self) -> &'static str {
        "SharedArray"
    }

    fn visit(&self, _: usize, rng: &mut StdRng) -> bool {
        let taken = match rng.random_range(0..8) {
            0 => self.0.try_lock(),
            1 => self.0.lock_for(SHORT),
            _ => self.0.lock().map_err(TryLockError::Poisoned),
        };
        let guard = match taken {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => self.mend(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        assert_eq!(self.get(FIRST), self.get(SECOND), "torn, and nobody was told");
        self.count(FIRST);
        linger(rng);
        self.count(SECOND);
        drop(guard);
        self.0.fetch_add(ADDED, 1).unwrap();
        true
    }

    fn balance(&self, visits: u64, deaths: u64) -> Balance {
        let _guard = self.0.lock().unwrap_or_else(|poisoned| self.mend(poisoned));
        let all = self.0.to_vec();
        assert!(between(visits, deaths).contains(&all[FIRST]), "{visits}, {deaths}: {all:?}");
        assert!(between(visits, deaths).contains(&all[ADDED]), "{visits}, {deaths}: {all:?}");
        assert!(all[FIRST] == all[SECOND] && all[MENDED] <= deaths, "{all:?}");
        Balance { reported: all[MENDED], lost: 0 }
    }
}
