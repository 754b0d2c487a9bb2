//! `Lock`: one at a time, and what one wrote the next one sees.

use std::sync::Arc;

use loom::thread;
use multiproc::Lock;

use crate::harness::{Model, models};

models! {
    excludes: Model {
        shows: "two threads, two rounds each: under the lock a == b, and no round is lost",
        floor: 4_000,
        witnesses: &["lock.slow.keep", "lock.wake.one", "lock.clear.all"],
        twins: &["lock.fast.acquire", "lock.unlock.release"],
        run: || {
            let lock = Arc::new(Lock::new((0, 0)));
            let other = lock.clone();
            let adder = thread::spawn(move || (0..2).for_each(|_| add(&other)));
            (0..2).for_each(|_| add(&lock));
            adder.join().unwrap();
            assert_eq!(*lock.lock().unwrap(), (4, 4));
        },
    };
}

/// The notebook's lock scenario: both numbers grow under the lock, so they are always equal.
fn add(lock: &Lock<(u32, u32)>) {
    let seen = {
        let mut pair = lock.lock().unwrap();
        let seen = *pair;
        pair.0 += 1;
        pair.1 += 1;
        seen
    };
    assert_eq!(seen.0, seen.1);
}
