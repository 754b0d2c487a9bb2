//! `RLock`: one thread at a time, however often it locks.

use std::panic::{self, AssertUnwindSafe};

use multiproc::{RLock, TryLockError};

use crate::harness::{Model, models};
use crate::stage::{Data, reached, share, spawn_with};

models! {
    excludes: Model {
        shows: "each of two locks twice, and is alone until it has given both back",
        min_explored: 3_100,
        must_reach: &["RawLock::unlock_slow: wake_op(Op::SetBit", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || {
            let lock = share(RLock::new(Data::default()));
            let adder = spawn_with(&lock, |lock| add_twice(lock));
            add_twice(&lock);
            adder.join();
            assert_eq!(lock.lock().unwrap().read(), 4);
        },
    };

    tries: Model {
        shows: "who tries gets it again while it has it, and is refused while another has",
        min_explored: 1_900,
        must_reach: &["refused", "got it"],
        run: || {
            let lock = share(RLock::new(Data::default()));
            let holder = spawn_with(&lock, |lock| add_twice(lock));
            match lock.try_lock() {
                Ok(first) => {
                    // Outlives the first: the last to be dropped unlocks.
                    let second = lock.try_lock().unwrap();
                    drop(first);
                    second.add(1);
                    reached("got it");
                }
                Err(TryLockError::WouldBlock) => reached("refused"),
                Err(TryLockError::Poisoned(_)) => unreachable!("nobody panics"),
            }
            holder.join();
        },
    };

    // Not on the machine, where each round would print the panic.
    is_poisoned (explored_only): Model {
        shows: "who panics within, once it is out, has poisoned it for the other",
        min_explored: 1_300,
        must_reach: &["told", "too early"],
        run: || {
            let lock = share(RLock::new(Data::default()));
            let panicking = spawn_with(&lock, |lock| {
                let half = panic::catch_unwind(AssertUnwindSafe(|| {
                    let _outer = lock.lock().unwrap();
                    let inner = lock.lock().unwrap();
                    inner.write(1);
                    panic!("half done");
                }));
                half.unwrap_err();
            });
            match lock.lock() {
                Ok(data) => {
                    assert_eq!(data.read(), 0);
                    reached("too early");
                }
                Err(poisoned) => {
                    assert_eq!(poisoned.get_ref().read(), 1);
                    reached("told");
                }
            }
            panicking.join();
            assert!(lock.is_poisoned());
        },
    };
}

/// Adds one within, and one after that was given back.
fn add_twice(lock: &RLock<Data>) {
    let outer = lock.lock().unwrap();
    {
        let inner = lock.lock().unwrap();
        inner.add(1);
    }
    outer.add(1);
}
