//! Things that some leave under a lock and notify of, and others wait for and take.

use multiproc::{Condition, Lock, LockGuard, ProcessSafe, Shared};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::{SHORT, between, linger};

#[derive(Debug, ProcessSafe)]
struct Things {
    /// By the workers, and by the judge.
    left: u64,
    added: u64,
    taken: u64,
    /// Those that are left and not taken.
    here: u64,
    mended: u64,
    closed: u32,
}

pub(crate) struct Exchange(Shared<(Lock<Things>, Condition)>);

impl Exchange {
    pub(crate) fn new() -> Self {
        let none = Things { left: 0, added: 0, taken: 0, here: 0, mended: 0, closed: 0 };
        Exchange(Shared::new((Lock::new(none), Condition::new())).unwrap())
    }

    fn lock(&self) -> LockGuard<'_, Things> {
        let taken = self.0.0.lock();
        let things = taken.unwrap_or_else(|poisoned| self.mend(poisoned.into_inner()));
        assert_eq!(things.here, things.left + things.added - things.taken, "torn");
        things
    }

    fn mend<'l>(&'l self, mut things: LockGuard<'l, Things>) -> LockGuard<'l, Things> {
        things.here = things.left + things.added - things.taken;
        things.mended += 1;
        self.0.0.clear_poison();
        things
    }

    /// With nobody there to die of it.
    fn by_the_judge(&self, change: impl FnOnce(&mut Things)) {
        change(&mut self.lock());
        self.0.1.notify_all();
    }
}

impl Station for Exchange {
    fn name(&self) -> &'static str {
        "Condition"
    }

    fn visit(&self, worker: usize, rng: &mut StdRng) -> bool {
        let mut things = self.lock();
        if worker.is_multiple_of(2) {
            things.left += 1;
            linger(rng);
            things.here += 1;
            drop(things);
            self.0.1.notify_one();
            return true;
        }
        let none = |things: &mut Things| things.here == 0 && things.closed == 0;
        things = if rng.random_range(0..4) == 0 {
            let waited = self.0.1.wait_while_for(things, SHORT, none).map(|(things, _)| things);
            waited.unwrap_or_else(|poisoned| self.mend(poisoned.into_inner().0))
        } else {
            let waited = self.0.1.wait_while(things, none);
            waited.unwrap_or_else(|poisoned| self.mend(poisoned.into_inner()))
        };
        if things.here == 0 {
            return false;
        }
        things.taken += 1;
        linger(rng);
        things.here -= 1;
        true
    }

    fn stir(&self) {
        self.by_the_judge(|things| {
            things.added += 1;
            things.here += 1;
        });
    }

    fn close(&self) {
        self.by_the_judge(|things| things.closed = 1);
    }

    fn balance(&self, visits: u64, deaths: u64) -> Balance {
        let things = self.lock();
        let all = things.left + things.taken;
        assert!(between(visits, deaths).contains(&all), "{visits}, {deaths}: {things:?}");
        assert!(things.mended <= deaths, "{things:?}");
        Balance { reported: things.mended, lost: 0 }
    }
}
