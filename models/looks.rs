//! Who sleeps looks round from time to time, whether those it waits for still live. Here all do, and it
//! looks at any time while they go on: nobody is robbed, and nothing lost.

use multiproc::{Barrier, Condition, Lock};

use crate::harness::{Model, models};
use crate::stage::{
    end_life, end_of_round, explore_once_asleep, let_sleep, share, spawn_alike, spawn_with,
    stop_exploring,
};
use crate::{notebook, rlock as owners, robust_semaphore as permits};

models! {
    lock (search_only, two_look): Model {
        shows: "the lock's rounds: its owner is not taken for dead",
        min_explored: 3_600,
        must_reach: &["RawLock::take_over: is_dead()", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || notebook::lock(2),
    };

    rlock (search_only, two_look): Model {
        shows: "as lock, where it is locked twice",
        min_explored: 4_400,
        must_reach: &["RawLock::take_over: is_dead()"],
        run: owners::excludes::MODEL.run,
    };

    condition (search_only, two_look): Model {
        shows: "a card goes round: who is slow to take it has not lost it to the other",
        min_explored: 90_000,
        must_reach: &["Condition::sleep: self.owed.is_left()"],
        run: || {
            stop_exploring();
            let table = share((Lock::new(0u32), Condition::new()));
            let give = |(cards, laid): &(Lock<u32>, Condition)| {
                *cards.lock().unwrap() += 1;
                laid.notify_one();
            };
            let players = spawn_alike(2, &table, move |table| {
                let (cards, laid) = &**table;
                let mut left = cards.lock().unwrap();
                while *left == 0 {
                    left = laid.wait(left).unwrap();
                    end_of_round(0);
                }
                *left -= 1;
                drop(left);
                end_of_round(1);
                give(table);
            });
            explore_once_asleep(2);
            give(&table);
            players.into_iter().for_each(|player| player.join());
            assert_eq!(*table.0.lock().unwrap(), 1);
        },
    };

    condition_waits_for_the_lock (search_only, two_look): Model {
        shows: "who was woken waits for the lock, whose owner lives: the other is not told in its place",
        min_explored: 10_000,
        must_reach: &["Condition::sleep: self.owed.is_left()", "Owed::is_more_than_entered: ProcessInstance::has_exited(life)"],
        run: || {
            stop_exploring();
            let meeting = share((Lock::new(0u32), Condition::new()));
            let wait = |meeting: &(Lock<u32>, Condition)| {
                let (told, changed) = meeting;
                let mut told = changed.wait(told.lock().unwrap()).unwrap();
                *told += 1;
                *told
            };
            let first = spawn_with(&meeting, move |meeting| wait(meeting));
            let_sleep(1);
            let second = spawn_with(&meeting, move |meeting| wait(meeting));
            let_sleep(2);
            let (told, changed) = &*meeting;
            let owner = told.lock().unwrap();
            changed.notify_one();
            // The first waits for the lock now.
            explore_once_asleep(2);
            drop(owner);
            assert_eq!(first.join(), 1, "one notification told two");
            *told.lock().unwrap() += 10;
            changed.notify_all();
            assert_eq!(second.join(), 12, "one notification told two");
        },
    };

    barrier (search_only, six_look): Model {
        shows: "two meet, and who has passed ends: the other, who is slow, is not told that it died",
        min_explored: 1_100,
        must_reach: &["Barrier::sleep: died"],
        run: || {
            let barrier = share(Barrier::new(2));
            let other = spawn_with(&barrier, |barrier| {
                barrier.wait().unwrap();
                end_life();
            });
            barrier.wait().unwrap();
            other.join();
            assert!(!barrier.is_broken());
        },
    };

    robust_semaphore (search_only, two_look): Model {
        shows: "two on one permit, which is taken from nobody who holds it",
        min_explored: 17_000,
        must_reach: &["RobustSemaphore::sweep: ProcessInstance::has_exited(life)"],
        run: permits::hands_over::MODEL.run,
    };
}
