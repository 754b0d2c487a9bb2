//! Waits that end for no reason, as the kernel allows: one in each execution, at any time.

use multiproc::{Condition, Lock, Queue};

use crate::harness::{Model, models};
use crate::stage::{share, spawn_with};
use crate::{bounded_semaphore as seats, notebook};

models! {
    lock (search_only, one_wakes): Model {
        shows: "the lock's rounds, and one sleeper wakes for nothing",
        min_explored: 1_700,
        must_reach: &["wake_and_clear: wake_op(Op::ClearBit"],
        run: || notebook::lock(2),
    };

    semaphore (search_only, one_wakes): Model {
        shows: "two workers on one permit, and one wakes for nothing",
        min_explored: 160,
        must_reach: &["full"],
        run: || notebook::semaphore(2, 1),
    };

    event (search_only, one_wakes): Model {
        shows: "two wait, and one of them wakes for nothing",
        min_explored: 500,
        must_reach: &["Event::set: wake_op"],
        run: || notebook::event(2),
    };

    barrier (search_only, one_wakes): Model {
        shows: "three meet, and one of them wakes for nothing",
        min_explored: 3_100,
        must_reach: &["Barrier::wake_all"],
        run: || notebook::barrier(3),
    };

    condition (search_only, one_wakes): Model {
        shows: "one waits for a change, and may wake before it",
        min_explored: 300,
        must_reach: &[],
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
        min_explored: 260_000,
        must_reach: &["commit_slow: wake_op(Op::AddBit"],
        run: || {
            let queue = Queue::<u32>::with_bytes(1, 8).unwrap();
            let producer = spawn_with(&queue, |queue| (1..=2).for_each(|n| queue.put(n).unwrap()));
            assert_eq!([queue.get(), queue.get()], [Ok(1), Ok(2)]);
            producer.join();
        },
    };

    bounded_semaphore (search_only, one_wakes): Model {
        shows: "two on one seat, and one wakes for nothing",
        min_explored: 190,
        must_reach: &["Semaphore::wake"],
        run: seats::hands_over::MODEL.run,
    };
}
