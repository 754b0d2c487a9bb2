//! `Lock`: one at a time, and what one wrote the next one sees.

use std::mem::ManuallyDrop;
use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use multiproc::{Event, Lock, TryLockError};

use crate::harness::{Model, models};
use crate::stage::{
    Data, explore, explore_once_asleep, reached, share, spawn_with, stop_exploring,
};

models! {
    excludes: Model {
        shows: "two threads, two rounds each: under the lock a == b, and no round is lost",
        min_explored: 34_000,
        must_reach: &["RawLock::unlock_slow: wake_op(Op::SetBit", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || {
            let lock = share(Lock::new(Pair::default()));
            let adder = spawn_with(&lock, |lock| (0..2).for_each(|_| add(lock)));
            (0..2).for_each(|_| add(&lock));
            adder.join();
            assert_eq!(sum(&lock), 4);
        },
    };

    hands_over: Model {
        shows: "one who barges in between an unlock and its wake leaves nobody asleep",
        min_explored: 7_200,
        must_reach: &["RawLock::take: ", "wake_and_clear: wake_op(Op::ClearBit", "barged in"],
        run: || {
            stop_exploring();
            let lock = share(Lock::new(Pair::default()));
            let sleeper = spawn_with(&lock, |lock| add(lock));
            let barger = spawn_with(&lock, |lock| {
                if let Ok(pair) = lock.try_lock() {
                    increase(&pair);
                    reached("barged in");
                }
            });
            let held = lock.lock().unwrap();
            explore();
            drop(held);
            sleeper.join();
            barger.join();
            sum(&lock);
        },
    };

    wakes: Model {
        shows: "once two sleep, and a third barges in, the lock goes round and nobody sleeps on",
        min_explored: 10_000,
        must_reach: &["wake_and_clear: wake_op(Op::ClearBit"],
        run: || {
            stop_exploring();
            let both = share((Lock::new(Pair::default()), Event::new()));
            let adders = [(); 2].map(|()| {
                spawn_with(&both, |both| {
                    both.1.wait();
                    add(&both.0);
                })
            });
            let (lock, is_held) = &*both;
            let held = lock.lock().unwrap();
            is_held.set();
            explore_once_asleep(2);
            drop(held);
            add(lock);
            adders.into_iter().for_each(|adder| adder.join());
            assert_eq!(sum(lock), 3);
        },
    };

    times_out: Model {
        shows: "one who gives up leaves the lock to the others",
        min_explored: 68,
        must_reach: &["got it", "gave up"],
        run: || {
            stop_exploring();
            let lock = share(Lock::new(Pair::default()));
            let hasty = spawn_with(&lock, |lock| match lock.lock_for(Duration::from_secs(1)) {
                Ok(pair) => {
                    increase(&pair);
                    reached("got it");
                }
                Err(TryLockError::WouldBlock) => reached("gave up"),
                Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
            });
            let held = lock.lock().unwrap();
            explore();
            increase(&held);
            drop(held);
            hasty.join();
            add(&lock);
        },
    };

    is_tried: Model {
        shows: "who only tries gets the lock with all that was written under it, or nothing",
        min_explored: 24,
        must_reach: &["got it", "held"],
        run: || {
            let lock = share(Lock::new(Pair::default()));
            let adder = spawn_with(&lock, |lock| add(lock));
            match lock.try_lock() {
                Ok(pair) => {
                    increase(&pair);
                    reached("got it");
                }
                Err(TryLockError::WouldBlock) => reached("held"),
                Err(TryLockError::Poisoned(poisoned)) => panic!("{poisoned}"),
            }
            adder.join();
        },
    };

    // Not on the machine, where each round would print the panic.
    refuses_its_owner (explored_only): Model {
        shows: "who holds it and locks it again is told so, whoever waits beside it",
        min_explored: 58,
        must_reach: &["RawLock::announce: seen | WAITERS"],
        run: || {
            stop_exploring();
            let lock = share(Lock::new(Pair::default()));
            let adder = spawn_with(&lock, |lock| add(lock));
            let held = ManuallyDrop::new(lock.lock().unwrap());
            explore();
            let again = panic::catch_unwind(AssertUnwindSafe(|| lock.lock().is_ok()));
            let told = again.unwrap_err().downcast::<&str>().expect("loom has no such text");
            assert!(told.contains("holds the lock already"));
            drop(ManuallyDrop::into_inner(held));
            adder.join();
        },
    };

    // Not on the machine, as above.
    is_poisoned (explored_only): Model {
        shows: "an owner's panic is told to whoever locks, until one has made the value whole",
        min_explored: 41,
        must_reach: &["told", "too early"],
        run: || {
            let lock = share(Lock::new(Pair::default()));
            let panicking = spawn_with(&lock, |lock| {
                let half = panic::catch_unwind(AssertUnwindSafe(|| {
                    let pair = lock.lock().unwrap();
                    pair[0].add(1);
                    panic!("half done");
                }));
                half.unwrap_err();
            });
            let mend = || match lock.lock() {
                Ok(pair) => {
                    assert_eq!(pair[0].read(), pair[1].read());
                    reached("too early");
                }
                Err(poisoned) => {
                    poisoned.into_inner()[1].add(1);
                    lock.clear_poison();
                    reached("told");
                }
            };
            mend();
            panicking.join();
            mend();
            assert_eq!(sum(&lock), 1);
            assert!(!lock.is_locked());
            let _pair = lock.lock();
            assert!(lock.is_locked());
        },
    };
}

/// The notebook's lock scenario: both numbers grow under the lock, so they are always equal.
type Pair = [Data; 2];

fn add(lock: &Lock<Pair>) {
    increase(&lock.lock().unwrap());
}

fn increase([a, b]: &Pair) {
    assert_eq!(a.read(), b.read());
    a.add(1);
    b.add(1);
}

fn sum(lock: &Lock<Pair>) -> u32 {
    let [a, b] = &*lock.lock().unwrap();
    assert_eq!(a.read(), b.read());
    a.read()
}
