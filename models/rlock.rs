//! `RLock`: one thread at a time, however often it locks.

use std::sync::Arc;

use loom::thread;
use multiproc::{RLock, TryLockError};

use crate::data::Data;
use crate::harness::{Model, models, witness};

models! {
    excludes: Model {
        shows: "each of two locks twice, and is alone until it has given both back",
        floor: 3_700,
        witnesses: &["lock.wake.one", "lock.clear.all"],
        twins: &["rlock.again", "lock.fast.acquire", "lock.unlock.release"],
        run: || {
            let lock = Arc::new(RLock::new(Data::default()));
            let other = lock.clone();
            let adder = thread::spawn(move || add_twice(&other));
            add_twice(&lock);
            adder.join().unwrap();
            assert_eq!(lock.lock().unwrap().read(), 4);
        },
    };

    tries: Model {
        shows: "who tries gets it again while it has it, and is refused while another has",
        floor: 1_900,
        witnesses: &["refused", "got it"],
        twins: &["rlock.again"],
        run: || {
            let lock = Arc::new(RLock::new(Data::default()));
            let other = lock.clone();
            let holder = thread::spawn(move || add_twice(&other));
            match lock.try_lock() {
                Ok(first) => {
                    // Outlives the first: the last to be dropped unlocks.
                    let second = lock.try_lock().unwrap();
                    drop(first);
                    second.write(second.read() + 1);
                    witness("got it");
                }
                Err(TryLockError::WouldBlock) => witness("refused"),
                Err(TryLockError::Poisoned(_)) => unreachable!("nobody panics"),
            }
            holder.join().unwrap();
        },
    };
}

/// Adds one within, and one after that was given back.
fn add_twice(lock: &RLock<Data>) {
    let outer = lock.lock().unwrap();
    {
        let inner = lock.lock().unwrap();
        inner.write(inner.read() + 1);
    }
    outer.write(outer.read() + 1);
}
