//! A number that is incremented in two steps under its lock, and one that is incremented atomically.

use multiproc::{LockGuard, Poisoned, Shared, TryLockError, Value};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::{SHORT, delay, possible};

/// The two numbers, and how often a death was reported.
pub(crate) struct ValueTarget(Shared<[Value<u64>; 3]>);

impl ValueTarget {
    pub(crate) fn new() -> Self {
        ValueTarget(Shared::new([const { Value::new(0) }; 3]).unwrap())
    }

    /// The number is what was written last: there is nothing to repair.
    fn accept<'v>(&'v self, poisoned: Poisoned<LockGuard<'v, ()>>) -> LockGuard<'v, ()> {
        self.0[2].fetch_add(1);
        self.0[0].clear_poison();
        poisoned.into_inner()
    }
}

impl Target for ValueTarget {
    fn name(&self) -> &'static str {
        "Value"
    }

    fn use_once(&self, _: usize, rng: &mut StdRng) -> bool {
        let [number, added, _] = &*self.0;
        let taken = match rng.random_range(0..8) {
            0 => number.try_lock(),
            1 => number.lock_for(SHORT),
            _ => number.lock().map_err(TryLockError::Poisoned),
        };
        let guard = match taken {
            Ok(guard) => guard,
            Err(TryLockError::Poisoned(poisoned)) => self.accept(poisoned),
            Err(TryLockError::WouldBlock) => return false,
        };
        let before = number.get();
        delay(rng);
        number.set(before + 1);
        drop(guard);
        added.fetch_add(1);
        true
    }

    fn check(&self, uses: u64, deaths: u64) -> Damage {
        let _guard = self.0[0].lock().unwrap_or_else(|poisoned| self.accept(poisoned));
        let [number, added, reported] = self.0.each_ref().map(Value::get);
        assert!(possible(uses, deaths).contains(&number), "{uses}, {deaths}: {number}");
        assert!(possible(uses, deaths).contains(&added), "{uses}, {deaths}: {added}");
        assert!(reported <= deaths, "{reported} of {deaths}");
        Damage { reported, lost: 0 }
    }
}
