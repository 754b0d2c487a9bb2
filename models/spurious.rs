//! Waits that end for no reason, as the kernel allows: one in each execution, at any time.

use multiproc::{Condition, Lock, Queue};

use crate::harness::{Model, models};
use crate::stage::{share, spawn_with};
use crate::{bounded_semaphore as seats, notebook};

models! {
    lock (search_only, one_wakes): Model {
        shows: "the lock's rounds, and one sleeper wakes for nothing",
        floor: 1_700,
        witnesses: &["RawLock::unlock_slow: self.word.wake_op(Op::ClearBit"],
        run: || notebook::lock(2),
    };

    semaphore (search_only, one_wakes): Model {
        shows: "two workers on one permit, and one wakes for nothing",
        floor: 160,
        witnesses: &["full"],
        run: || notebook::semaphore(2, 1),
    };

    event (search_only, one_wakes): Model {
        shows: "two wait, and one of them wakes for nothing",
        floor: 500,
        witnesses: &["Event::set: self.0.wake_op"],
        run: || notebook::event(2),
    };

    barrier (search_only, one_wakes): Model {
        shows: "three meet, and one of them wakes for nothing",
        floor: 3_100,
        witnesses: &["Barrier::rouse"],
        run: || notebook::barrier(3),
    };

    condition (search_only, one_wakes): Model {
        shows: "one waits for a change, and may wake before it",
        floor: 300,
        witnesses: &[],
        run: || {
            let meeting = share((Lock::new(0u32), Condition::new()));
            let waiter = spawn_with(&meeting, |meeting| {
                let (lock, changed) = &**meeting;
                let done = changed.wait_while(lock.lock().unwrap(), |done| *done == 0).unwrap();
                assert_eq!(*done, 1);
            });
            let (lock, changed) = &*meeting;
            *lock.lock().unwrap() = 1;
            changed.notify_all();
            waiter.join();
        },
    };

    queue (search_only, one_wakes): Model {
        shows: "full and empty by turns, and one sleeper wakes for nothing",
        floor: 260_000,
        witnesses: &["commit_slow: word.wake_op(Op::ClearBit"],
        run: || {
            let queue = Queue::<u32>::with_bytes(1, 8).unwrap();
            let producer = spawn_with(&queue, |queue| (1..=2).for_each(|n| queue.put(n).unwrap()));
            assert_eq!([queue.get(), queue.get()], [Ok(1), Ok(2)]);
            producer.join();
        },
    };

    bounded_semaphore (search_only, one_wakes): Model {
        shows: "two on one seat, and one wakes for nothing",
        floor: 190,
        witnesses: &["Semaphore::wake"],
        run: seats::hands_over::MODEL.run,
    };
}
