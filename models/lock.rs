//! `Lock`: one at a time, and what one wrote the next one sees.

use std::sync::Arc;
use std::time::Duration;

use loom::thread;
use multiproc::{Lock, TryLockError};

use crate::harness::{Model, explore_once_asleep, models, witness};

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
            let lock = Arc::new(Lock::new((0, 0)));
            let other = lock.clone();
            let adder = thread::spawn(move || (0..2).for_each(|_| add(&other)));
            (0..2).for_each(|_| add(&lock));
            adder.join().unwrap();
            assert_eq!(value(lock), (4, 4));
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
            let lock = Arc::new(Lock::new((0, 0)));
            let (sleeper, barger) = (lock.clone(), lock.clone());
            let held = lock.lock().unwrap();
            let sleeper = thread::spawn(move || add(&sleeper));
            let barger = thread::spawn(move || {
                if let Ok(mut pair) = barger.try_lock() {
                    increase(&mut pair);
                    witness("barged in");
                }
            });
            drop(held);
            sleeper.join().unwrap();
            barger.join().unwrap();
            let (a, b) = value(lock);
            assert_eq!(a, b);
        },
    };

    wakes: Model {
        shows: "once two sleep, and a third barges in, the lock goes round and nobody sleeps on",
        floor: 183_000,
        witnesses: &["lock.clear.all"],
        twins: &["lock.slow.waiters", "lock.wake.one"],
        run: || {
            loom::stop_exploring();
            let lock = Arc::new(Lock::new((0, 0)));
            let held = lock.lock().unwrap();
            let adders = [(); 2].map(|()| {
                let lock = lock.clone();
                thread::spawn(move || add(&lock))
            });
            explore_once_asleep(2);
            drop(held);
            add(&lock);
            adders.into_iter().for_each(|adder| adder.join().unwrap());
            assert_eq!(value(lock), (3, 3));
        },
    };

    times_out: Model {
        shows: "one who gives up leaves the lock to the others",
        floor: 35,
        witnesses: &["got it", "gave up"],
        twins: &["lock.slow.acquire", "lock.wake.release"],
        run: || {
            let lock = Arc::new(Lock::new((0, 0)));
            let other = lock.clone();
            let mut held = lock.lock().unwrap();
            let hasty = thread::spawn(move || match other.lock_for(Duration::from_secs(1)) {
                Ok(mut pair) => {
                    increase(&mut pair);
                    witness("got it");
                }
                Err(TryLockError::WouldBlock) => witness("gave up"),
                Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
            });
            increase(&mut held);
            drop(held);
            hasty.join().unwrap();
            add(&lock);
        },
    };

    is_tried: Model {
        shows: "who only tries gets the lock with all that was written under it, or nothing",
        floor: 52,
        witnesses: &["got it", "held"],
        twins: &["lock.fast.acquire", "lock.unlock.release"],
        run: || {
            let lock = Arc::new(Lock::new((0, 0)));
            let other = lock.clone();
            let adder = thread::spawn(move || add(&other));
            match lock.try_lock() {
                Ok(mut pair) => {
                    increase(&mut pair);
                    witness("got it");
                }
                Err(TryLockError::WouldBlock) => witness("held"),
                Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
            }
            adder.join().unwrap();
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

/// What is left when all are done.
fn value(lock: Arc<Lock<(u32, u32)>>) -> (u32, u32) {
    Arc::into_inner(lock).expect("the others are joined").into_inner().unwrap()
}
