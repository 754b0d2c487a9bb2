//! A number that is counted up under its lock, in two steps, and one that is added to.

use multiproc::{LockGuard, Poisoned, Shared, TryLockError, Value};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::{SHORT, between, linger};

/// The two, and how often a death was reported.
pub(crate) struct Single(Shared<[Value<u64>; 3]>);

impl Single {
    pub(crate) fn new() -> Self {
        Single(Shared::new([const { Value::new(0) }; 3]).unwrap())
    }

    /// The number is what was written last: there is nothing to mend.
    fn accept<'v>(&'v self, poisoned: Poisoned<LockGuard<'v, ()>>) -> LockGuard<'v, ()> {
        self.0[2].fetch_add(1);
        self.0[0].clear_poison();
        poisoned.into_inner()
    }
}

impl Station for Single {
    fn name(&self) -> &'static str {
        "Value"
    }

    fn visit(&self, _: usize, rng: &mut StdRng) -> bool {
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
        linger(rng);
        number.set(before + 1);
        drop(guard);
        added.fetch_add(1);
        true
    }

    fn balance(&self, visits: u64, deaths: u64) -> Balance {
        let _guard = self.0[0].lock().unwrap_or_else(|poisoned| self.accept(poisoned));
        let [number, added, reported] = self.0.each_ref().map(Value::get);
        assert!(between(visits, deaths).contains(&number), "{visits}, {deaths}: {number}");
        assert!(between(visits, deaths).contains(&added), "{visits}, {deaths}: {added}");
        assert!(reported <= deaths, "{reported} of {deaths}");
        Balance { reported, lost: 0 }
    }
}
