//! `Lock`: one at a time, and what one wrote the next one sees.

use std::time::Duration;

use multiproc::{Lock, TryLockError};

use crate::harness::{Model, models};
use crate::stage::{explore, explore_once_asleep, share, spawn_with, stop_exploring, witness};

models! {
    excludes: Model {
        shows: "two threads, two rounds each: under the lock a == b, and no round is lost",
        floor: 173_000,
        witnesses: &["lock.wake.one", "lock.clear.all"],
        twins: &["lock.fast.acquire", "lock.unlock.release",
            "lock.slow.acquire",
            "lock.wake.release",
            "lock.wake.one",
        ],
        run: || {
            let lock = share(Lock::new((0, 0)));
            let adder = spawn_with(&lock, |lock| (0..2).for_each(|_| add(lock)));
            (0..2).for_each(|_| add(&lock));
            adder.join();
            assert_eq!(*lock.lock().unwrap(), (4, 4));
        },
    };

    hands_over: Model {
        shows: "one who barges in between an unlock and its wake leaves nobody asleep",
        floor: 160_000,
        witnesses: &["lock.slow.waiters", "lock.clear.all", "barged in"],
        twins: &[
            "lock.slow.acquire",
            "lock.wake.release",
            "lock.wake.one",
            "lock.clear.all",
        ],
        run: || {
            stop_exploring();
            let lock = share(Lock::new((0, 0)));
            let sleeper = spawn_with(&lock, |lock| add(lock));
            let barger = spawn_with(&lock, |lock| {
                if let Ok(mut pair) = lock.try_lock() {
                    increase(&mut pair);
                    witness("barged in");
                }
            });
            let held = lock.lock().unwrap();
            explore();
            drop(held);
            sleeper.join();
            barger.join();
            let (a, b) = *lock.lock().unwrap();
            assert_eq!(a, b);
        },
    };

    wakes: Model {
        shows: "once two sleep, and a third barges in, the lock goes round and nobody sleeps on",
        floor: 183_000,
        witnesses: &["lock.clear.all"],
        twins: &["lock.slow.waiters", "lock.wake.one"],
        run: || {
            stop_exploring();
            let lock = share(Lock::new((0, 0)));
            let adders = [(); 2].map(|()| spawn_with(&lock, |lock| add(lock)));
            let held = lock.lock().unwrap();
            explore_once_asleep(2);
            drop(held);
            add(&lock);
            adders.into_iter().for_each(|adder| adder.join());
            assert_eq!(*lock.lock().unwrap(), (3, 3));
        },
    };

    times_out: Model {
        shows: "one who gives up leaves the lock to the others",
        floor: 35,
        witnesses: &["got it", "gave up"],
        twins: &["lock.slow.acquire", "lock.wake.release"],
        run: || {
            stop_exploring();
            let lock = share(Lock::new((0, 0)));
            let hasty = spawn_with(&lock, |lock| match lock.lock_for(Duration::from_secs(1)) {
                Ok(mut pair) => {
                    increase(&mut pair);
                    witness("got it");
                }
                Err(TryLockError::WouldBlock) => witness("gave up"),
                Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
            });
            let mut held = lock.lock().unwrap();
            explore();
            increase(&mut held);
            drop(held);
            hasty.join();
            add(&lock);
        },
    };

    is_tried: Model {
        shows: "who only tries gets the lock with all that was written under it, or nothing",
        floor: 52,
        witnesses: &["got it", "held"],
        twins: &["lock.fast.acquire", "lock.unlock.release"],
        run: || {
            let lock = share(Lock::new((0, 0)));
            let adder = spawn_with(&lock, |lock| add(lock));
            match lock.try_lock() {
                Ok(mut pair) => {
                    increase(&mut pair);
                    witness("got it");
                }
                Err(TryLockError::WouldBlock) => witness("held"),
                Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
            }
            adder.join();
        },
    };
}

/// The notebook's lock scenario: both numbers grow under the lock, so they are always equal.
fn add(lock: &Lock<(u32, u32)>) {
    increase(&mut lock.lock().unwrap());
}

fn increase(pair: &mut (u32, u32)) {
    assert_eq!(pair.0, pair.1);
    pair.0 += 1;
    pair.1 += 1;
}
