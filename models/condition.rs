//! `Condition`: nobody sleeps through what it waits for, and no more go on than were notified.

use std::time::Duration;

use multiproc::{Condition, Lock, ProcessSafe, RLock};

use crate::harness::{Model, models};
use crate::stage::{Data, Place, explore_once_asleep, reached, share, spawn_with, stop_exploring};

models! {
    notifies: Model {
        shows: "who waits for a change sees it, whenever the one who changes it comes",
        min_explored: 200,
        must_reach: &["Condition::wake: ", "Condition::release_all"],
        run: || {
            let meeting = Meeting::new();
            let changer = spawn_with(&meeting, |meeting| {
                *meeting.count.lock().unwrap() = 1;
                meeting.changed.notify_one();
            });
            assert_eq!(meeting.count_that_is_not(0), 1);
            changer.join();
        },
    };

    notifies_all: Model {
        shows: "a notification of all reaches one who sleeps and one who is about to",
        min_explored: 120,
        must_reach: &["Condition::release_all"],
        run: || {
            let meeting = Meeting::new();
            let changer = spawn_with(&meeting, |meeting| {
                *meeting.count.lock().unwrap() = 1;
                meeting.changed.notify_all();
            });
            assert_eq!(meeting.count_that_is_not(0), 1);
            changer.join();
        },
    };

    notifies_as_many: Model {
        shows: "of two who sleep, the first notification lets one go on, and the second the other",
        min_explored: 4_400,
        must_reach: &["one went on", "none yet"],
        run: || {
            stop_exploring();
            let meeting = Meeting::new();
            let waiters = [(); 2].map(|()| {
                spawn_with(&meeting, |meeting| {
                    let count = meeting.count.lock().unwrap();
                    *meeting.changed.wait(count).unwrap() += 1;
                })
            });
            explore_once_asleep(2);
            meeting.changed.notify_one();
            let gone = *meeting.count.lock().unwrap();
            assert!(gone <= 1, "one notification let {gone} go on");
            reached(if gone == 1 { "one went on" } else { "none yet" });
            meeting.changed.notify_one();
            waiters.into_iter().for_each(|waiter| waiter.join());
        },
    };

    notifies_of_nothing: Model {
        shows: "who was woken for nothing, or nearly, is not lost to the next notification",
        min_explored: 14_000,
        must_reach: &["Condition::release_all"],
        run: || {
            let meeting = Meeting::new();
            let changer = spawn_with(&meeting, |meeting| {
                meeting.changed.notify_one();
                *meeting.count.lock().unwrap() = 1;
                meeting.changed.notify_one();
            });
            assert_eq!(meeting.count_that_is_not(0), 1);
            changer.join();
        },
    };

    gives_up_all_levels (search_only): Model {
        shows: "of a lock that a waiter has twice, the other has all, and the waiter has both again",
        min_explored: 440,
        must_reach: &["Condition::wake"],
        run: || {
            stop_exploring();
            let meeting = share((RLock::new(Data::default()), Condition::new()));
            let waiter = spawn_with(&meeting, |meeting| {
                let (lock, changed) = &**meeting;
                let outer = lock.lock().unwrap();
                let inner = lock.lock().unwrap();
                drop(changed.wait_while(inner, |data| data.read() == 0).unwrap());
                // Still alone in there.
                outer.add(1);
            });
            explore_once_asleep(1);
            let (lock, changed) = &*meeting;
            lock.lock().unwrap().add(1);
            changed.notify_one();
            lock.lock().unwrap().add(1);
            waiter.join();
            assert_eq!(lock.lock().unwrap().read(), 3);
        },
    };

    times_out: Model {
        shows: "one who gives up has the lock again, and knows whether it was notified",
        min_explored: 4_800,
        must_reach: &["notified", "gave up"],
        run: || {
            let meeting = Meeting::new();
            let changer = spawn_with(&meeting, |meeting| {
                *meeting.count.lock().unwrap() += 1;
                meeting.changed.notify_one();
            });
            let count = meeting.count.lock().unwrap();
            let long = Duration::from_secs(3600);
            let waited = meeting.changed.wait_while_for(count, long, |count| *count == 0);
            let (mut count, in_time) = waited.unwrap();
            *count += 1;
            let sum = *count;
            drop(count);
            reached(if in_time { "notified" } else { "gave up" });
            assert_eq!(sum, 1 + u32::from(in_time));
            changer.join();
        },
    };
}

#[derive(ProcessSafe)]
struct Meeting {
    count: Lock<u32>,
    changed: Condition,
}

impl Meeting {
    fn new() -> Place<Self> {
        share(Meeting { count: Lock::new(0), changed: Condition::new() })
    }

    fn count_that_is_not(&self, old: u32) -> u32 {
        let count = self.count.lock().unwrap();
        *self.changed.wait_while(count, |count| *count == old).unwrap()
    }
}
