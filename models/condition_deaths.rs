//! `Condition`, where one is killed: what it was to tell is told, and nothing that is not so.

use std::panic::{self, AssertUnwindSafe};

use multiproc::{Condition, Lock, Poisoned, ProcessSafe};

use crate::harness::{Model, models};
use crate::stage::{
    Data, Place, end_life, explore_once_asleep, let_sleep, reached, share, spawn_mortal,
    spawn_with, stop_exploring,
};

models! {
    hands_on (one_dies, slices_end, explored_only): Model {
        shows: "one who was woken is killed before it has the lock: its notification goes to another",
        min_explored: 1_000,
        must_reach: &["lived", "died", "Condition::sleep: self.owed.is_left()", "Owed::is_more_than_entered: ProcessInstance::has_exited(life)"],
        run: || {
            stop_exploring();
            let meeting = Meeting::new();
            // One who has acted has left nothing behind.
            let before = spawn_with(&meeting, |meeting| _ = meeting.wait_and_count());
            let_sleep(1);
            meeting.changed.notify_one();
            before.join();
            *meeting.count.lock().unwrap() = 0;
            let first = spawn_mortal(&meeting, |meeting| meeting.wait_and_count());
            let second = spawn_with(&meeting, |meeting| {
                meeting.wait_and_count();
                // The first may have to wait for it.
                meeting.changed.notify_one();
            });
            explore_once_asleep(2);
            meeting.changed.notify_one();
            let lived = first.ended().is_some();
            reached(if lived { "lived" } else { "died" });
            // Whoever had the lock again has acted on it.
            let acted = meeting.count.lock().map_or(true, |count| *count > 0);
            if acted {
                meeting.changed.notify_one();
            }
            second.join();
        },
    };

    hands_on_once (one_dies, slices_meet, explored_only): Model {
        shows: "of two who find at once that a wake is owed, one goes on",
        min_explored: 40_000,
        must_reach: &["lived", "died", "Owed::take_over: changed.is_err()"],
        run: || {
            stop_exploring();
            let meeting = Meeting::new();
            let first = spawn_mortal(&meeting, |meeting| meeting.wait_and_count());
            let others = [(); 2].map(|()| {
                spawn_with(&meeting, |meeting| match meeting.wait_and_count() {
                    1 => meeting.let_all_go(),
                    _ => assert_eq!(meeting.came.read(), 1, "one notification let two go on"),
                })
            });
            explore_once_asleep(3);
            meeting.changed.notify_one();
            reached(if first.ended().is_some() { "lived" } else { "died" });
            let acted = meeting.count.lock().map_or(true, |count| *count > 0);
            if acted {
                meeting.let_all_go();
            }
            others.into_iter().for_each(|other| other.join());
        },
    };

    tells_of_no_more (one_vanishes, explored_only): Model {
        shows: "who waits is told neither of what another acted on, nor of what reached nobody",
        min_explored: 1_600,
        must_reach: &["lived", "died", "Condition::sleep: self.owed.is_left()"],
        run: || {
            stop_exploring();
            let meeting = Meeting::new();
            // It has acted on it before its process ends.
            let before = spawn_with(&meeting, |meeting| {
                meeting.wait_and_count();
                end_life();
            });
            let_sleep(1);
            meeting.changed.notify_one();
            before.join();
            meeting.changed.notify_one();
            // Nor of a panic that was before it came.
            let panicking = panic::catch_unwind(AssertUnwindSafe(|| {
                let _count = meeting.count.lock();
                panic!("half done");
            }));
            panicking.unwrap_err();
            let waiter = spawn_with(&meeting, |meeting| {
                let count = in_any_case(meeting.count.lock());
                let count = in_any_case(meeting.changed.wait(count));
                assert_eq!(*count, 2, "told of nothing");
            });
            let owner = spawn_mortal(&meeting, |meeting| drop(meeting.other.lock()));
            explore_once_asleep(1);
            // This takes a slice or two, if the owner is gone, and as many end meanwhile for who waits.
            drop(meeting.other.lock());
            *in_any_case(meeting.count.lock()) = 2;
            meeting.changed.notify_one();
            waiter.join();
            reached(if owner.ended().is_some() { "lived" } else { "died" });
        },
    };

    owner_dies (one_dies, slices_end, explored_only): Model {
        shows: "who is to notify is killed with the lock, which nobody takes: the waiter hears",
        min_explored: 450,
        must_reach: &["lived", "died", "poisoned", "notified"],
        run: || owner_dies(false),
    };

    owner_vanishes (one_vanishes, explored_only): Model {
        shows: "the same where the kernel does not find the lock",
        min_explored: 470,
        must_reach: &["lived", "died", "poisoned", "notified"],
        run: || owner_dies(false),
    };

    is_poisoned (one_dies, slices_end, explored_only): Model {
        shows: "who is to notify is killed with the lock, and another takes it: the waiter hears",
        min_explored: 1_700,
        must_reach: &["lived", "died", "poisoned", "notified"],
        run: || owner_dies(true),
    };

    looks (one_dies, slices_end, explored_only): Model {
        shows: "who has changed something is killed before it notifies: the waiter sees it",
        min_explored: 310,
        must_reach: &["lived", "died", "changed"],
        run: || {
            stop_exploring();
            let meeting = Meeting::new();
            let waiter = spawn_with(&meeting, |meeting| {
                let count = meeting.count.lock().unwrap();
                _ = meeting.changed.wait_while(count, |count| *count == 0);
            });
            let changer = spawn_mortal(&meeting, |meeting| {
                *meeting.count.lock().unwrap() = 1;
                meeting.changed.notify_one();
            });
            explore_once_asleep(1);
            let lived = changer.ended().is_some();
            reached(if lived { "lived" } else { "died" });
            let mut count = in_any_case(meeting.count.lock());
            if *count == 0 {
                *count = 1;
                meeting.changed.notify_one();
            } else if !lived {
                reached("changed");
            }
            drop(count);
            waiter.join();
        },
    };
}

#[derive(ProcessSafe)]
struct Meeting {
    count: Lock<u32>,
    changed: Condition,
    other: Lock<u32>,
    came: Data,
}

impl Meeting {
    fn new() -> Place<Self> {
        share(Meeting {
            count: Lock::new(0),
            changed: Condition::new(),
            other: Lock::new(0),
            came: Data::default(),
        })
    }

    /// Gives how many have gone on by now.
    fn wait_and_count(&self) -> u32 {
        let count = in_any_case(self.count.lock());
        let mut count = in_any_case(self.changed.wait(count));
        *count += 1;
        *count
    }

    fn let_all_go(&self) {
        self.came.write(1);
        self.changed.notify_all();
    }
}

/// What it guards, poisoned or not.
fn in_any_case<T>(result: Result<T, Poisoned<T>>) -> T {
    result.unwrap_or_else(|poisoned| poisoned.into_inner())
}

fn owner_dies(is_taken: bool) {
    stop_exploring();
    let meeting = Meeting::new();
    let waiter = spawn_with(&meeting, |meeting| {
        let waited = meeting.changed.wait(meeting.count.lock().unwrap());
        reached(if waited.is_ok() { "notified" } else { "poisoned" });
    });
    let changer = spawn_mortal(&meeting, |meeting| {
        let _count = meeting.count.lock().unwrap();
        meeting.came.write(1);
        meeting.changed.notify_one();
    });
    explore_once_asleep(1);
    let lived = changer.ended().is_some();
    reached(if lived { "lived" } else { "died" });
    if meeting.came.read() == 0 {
        // It may have died before it had the lock.
        meeting.changed.notify_one();
    }
    if is_taken {
        drop(meeting.count.lock());
    }
    waiter.join();
}
