//! An array: two elements that are incremented one after the other under its lock, and one that is
//! incremented atomically.

use multiproc::{ArrayGuard, Poisoned, SharedArray, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::{SHORT, delay, possible};

const FIRST: usize = 0;
const SECOND: usize = 1;
const REPAIRED: usize = 2;
const ADDED: usize = 3;

pub(crate) struct ArrayTarget(SharedArray<u64>);

impl ArrayTarget {
    pub(crate) fn new() -> Self {
        ArrayTarget(SharedArray::zeroed(4).unwrap())
    }

    fn repair<'a>(&'a self, poisoned: Poisoned<ArrayGuard<'a>>) -> ArrayGuard<'a> {
        let guard = poisoned.into_inner();
        self.0.set(SECOND, self.get(FIRST)).unwrap();
        self.count(REPAIRED);
        self.0.clear_poison();
        guard
    }

    fn get(&self, index: usize) -> u64 {
        self.0.get(index).unwrap()
    }

    /// Increments an element in two steps: a read and a write.
    fn count(&self, index: usize) {
        self.0.set(index, self.get(index) + 1).unwrap();
    }
}

impl Target for ArrayTarget {
    fn name(&self) -> &'static str {
        "SharedArray"
    }

    fn use_once(&self, _: usize, rng: &mut StdRng) -> bool {
        let taken = match rng.random_range(0..8) {
            0 => self.0.try_lock(),
            1 => self.0.lock_for(SHORT),
            _ => self.0.lock().map_err(TryLockError::Poisoned),
        };
        let guard = match taken {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => self.repair(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        assert_eq!(self.get(FIRST), self.get(SECOND), "torn, and not reported");
        self.count(FIRST);
        delay(rng);
        self.count(SECOND);
        drop(guard);
        self.0.fetch_add(ADDED, 1).unwrap();
        true
    }

    fn check(&self, uses: u64, deaths: u64) -> Damage {
        let _guard = self.0.lock().unwrap_or_else(|poisoned| self.repair(poisoned));
        let all = self.0.to_vec();
        assert!(possible(uses, deaths).contains(&all[FIRST]), "{uses}, {deaths}: {all:?}");
        assert!(possible(uses, deaths).contains(&all[ADDED]), "{uses}, {deaths}: {all:?}");
        assert!(all[FIRST] == all[SECOND] && all[REPAIRED] <= deaths, "{all:?}");
        Damage { reported: all[REPAIRED], lost: 0 }
    }
}
