//! Items under a lock: some workers put them and notify, the others wait for them and take them.

use multiproc::{Condition, Lock, LockGuard, ProcessSafe, Shared};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::{SHORT, delay, possible};

#[derive(Debug, ProcessSafe)]
struct Items {
    /// Put by the workers.
    put: u64,
    /// Put by the parent process, which is never killed.
    added: u64,
    taken: u64,
    /// The number of items.
    here: u64,
    repaired: u64,
    closed: u32,
}

pub(crate) struct ConditionTarget(Shared<(Lock<Items>, Condition)>);

impl ConditionTarget {
    pub(crate) fn new() -> Self {
        let none = Items { put: 0, added: 0, taken: 0, here: 0, repaired: 0, closed: 0 };
        ConditionTarget(Shared::new((Lock::new(none), Condition::new())).unwrap())
    }

    fn lock(&self) -> LockGuard<'_, Items> {
        let taken = self.0.0.lock();
        let items = taken.unwrap_or_else(|poisoned| self.repair(poisoned.into_inner()));
        assert_eq!(items.here, items.put + items.added - items.taken, "torn");
        items
    }

    fn repair<'l>(&'l self, mut items: LockGuard<'l, Items>) -> LockGuard<'l, Items> {
        items.here = items.put + items.added - items.taken;
        items.repaired += 1;
        self.0.0.clear_poison();
        items
    }

    /// A change by the parent process, which is never killed.
    fn by_the_parent(&self, change: impl FnOnce(&mut Items)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }
}

impl Target for ConditionTarget {
    fn name(&self) -> &'static str {
        "Condition"
    }

    fn use_once(&self, worker: usize, rng: &mut StdRng) -> bool {
        let mut items = self.lock();
        if worker.is_multiple_of(2) {
            items.put += 1;
            delay(rng);
            items.here += 1;
            drop(items);
            self.0.1.notify_one();
            return true;
        }
        let none = |items: &mut Items| items.here == 0 && items.closed == 0;
        items = if rng.random_range(0..4) == 0 {
            let waited = self.0.1.wait_while_for(items, SHORT, none).map(|(items, _)| items);
            waited.unwrap_or_else(|poisoned| self.repair(poisoned.into_inner().0))
        } else {
            let waited = self.0.1.wait_while(items, none);
            waited.unwrap_or_else(|poisoned| self.repair(poisoned.into_inner()))
        };
        if items.here == 0 {
            return false;
        }
        items.taken += 1;
        delay(rng);
        items.here -= 1;
        true
    }

    fn unblock(&self) {
        self.by_the_parent(|items| {
            items.added += 1;
            items.here += 1;
        });
    }

    fn close(&self) {
        self.by_the_parent(|items| items.closed = 1);
    }

    fn check(&self, uses: u64, deaths: u64) -> Damage {
        let items = self.lock();
        let all = items.put + items.taken;
        assert!(possible(uses, deaths).contains(&all), "{uses}, {deaths}: {items:?}");
        assert!(items.repaired <= deaths, "{items:?}");
        Damage { reported: items.repaired, lost: 0 }
    }
}
