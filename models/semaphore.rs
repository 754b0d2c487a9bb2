//! `Semaphore`: as many inside as there are permits, and what one did the next one sees.

use std::time::Duration;

use multiproc::{ProcessSafe, Semaphore};

use crate::harness::{Model, models};
use crate::stage::{
    Data, Place, explore, explore_once_asleep, let_sleep, reached, share, spawn_with,
    stop_exploring,
};

models! {
    hands_over: Model {
        shows: "two workers on one permit, two rounds and one: one inside, all permits come back",
        min_explored: 160_000,
        must_reach: &["Semaphore::wake", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || {
            let room = Room::new(1);
            let worker = spawn_with(&room, |room| (0..2).for_each(|_| room.visit_alone()));
            room.visit_alone();
            worker.join();
            assert_eq!(room.permits.value(), 1);
        },
    };

    wakes: Model {
        shows: "one who barges in between a release and its wake leaves nobody asleep",
        min_explored: 31_000,
        must_reach: &["wake_and_clear: wake_op(Op::ClearBit", "woken for nothing", "barged in"],
        run: || {
            stop_exploring();
            let room = Room::new(0);
            let sleeper = spawn_with(&room, |room| room.permits.acquire().forget());
            let_sleep(1);
            // Woken for nothing: it is about to sleep again.
            room.permits.release(1).unwrap();
            if let Some(permit) = room.permits.try_acquire() {
                permit.forget();
                reached("woken for nothing");
            }
            explore();
            let barger = spawn_with(&room, |room| {
                if let Some(permit) = room.permits.try_acquire() {
                    permit.forget();
                    reached("barged in");
                }
            });
            room.permits.release(1).unwrap();
            barger.join();
            // For the sleeper, if the barger was before it: it must not sleep unseen. Whether it does
            // is settled by now.
            stop_exploring();
            room.permits.release(1).unwrap();
            sleeper.join();
        },
    };

    wakes_as_many: Model {
        shows: "once two sleep, two permits given at once let both in",
        min_explored: 6_100,
        must_reach: &["wake_and_clear: wake_op(Op::ClearBit"],
        run: || {
            stop_exploring();
            let room = Room::new(0);
            let workers = [(); 2].map(|()| {
                spawn_with(&room, |room| {
                    room.permits.acquire().forget();
                    room.permits.release(1).unwrap();
                })
            });
            explore_once_asleep(2);
            room.permits.release(2).unwrap();
            workers.into_iter().for_each(|worker| worker.join());
            assert_eq!(room.permits.value(), 2);
        },
    };

    counts: Model {
        shows: "who sees the permit back sees what its holder did",
        min_explored: 6,
        must_reach: &["back", "not back"],
        run: || {
            let room = Room::new(0);
            let holder = spawn_with(&room, |room| {
                room.enter_alone();
                room.permits.release(1).unwrap();
            });
            if room.permits.value() == 1 {
                reached("back");
                room.enter_alone();
            } else {
                reached("not back");
            }
            holder.join();
            drop(room.permits.try_acquire().expect("it is back"));
            drop(room.permits.acquire_for(Duration::from_secs(1)).expect("it is back"));
        },
    };

    times_out: Model {
        shows: "one who gives up takes no permit with it",
        min_explored: 1_300,
        must_reach: &["got one", "gave up"],
        run: || {
            let room = Room::new(0);
            let hasty = spawn_with(&room, |room| {
                let Some(permit) = room.permits.acquire_for(Duration::from_secs(1)) else {
                    return reached("gave up");
                };
                permit.forget();
                room.enter_alone();
                room.permits.release(1).unwrap();
                reached("got one");
            });
            room.enter_alone();
            room.permits.release(1).unwrap();
            hasty.join();
            assert_eq!(room.permits.value(), 1);
        },
    };

    wakes_each: Model {
        shows: "once two sleep, two permits given one after the other let both in",
        min_explored: 60,
        must_reach: &["Semaphore::wake"],
        run: || {
            stop_exploring();
            let room = Room::new(0);
            let sleepers = [(); 2].map(|()| spawn_with(&room, |room| room.permits.acquire().forget()));
            explore_once_asleep(2);
            (0..2).for_each(|_| room.permits.release(1).unwrap());
            sleepers.into_iter().for_each(|sleeper| sleeper.join());
        },
    };
}

/// What the permits admit to.
#[derive(ProcessSafe)]
struct Room {
    permits: Semaphore,
    visits: Data,
}

impl Room {
    fn new(permits: u32) -> Place<Self> {
        share(Room { permits: Semaphore::new(permits), visits: Data::default() })
    }

    /// Alone, which is checked. The permit is given by hand: a mutant that fails here would give it
    /// back as it unwinds, and be explored on.
    fn visit_alone(&self) {
        self.permits.acquire().forget();
        self.enter_alone();
        self.permits.release(1).unwrap();
    }

    fn enter_alone(&self) {
        self.visits.add(1);
    }
}
