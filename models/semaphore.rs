//! `Semaphore`: as many inside as there are permits, and what one did the next one sees.

use std::sync::Arc;
use std::time::Duration;

use loom::cell::UnsafeCell;
use loom::thread::{self, JoinHandle};
use multiproc::Semaphore;

use crate::harness::{Model, explore_once_asleep, let_sleep, models, witness};

models! {
    hands_over: Model {
        shows: "two workers on one permit, two rounds and one: one inside, all permits come back",
        floor: 210_000,
        witnesses: &["semaphore.wake.many", "semaphore.clear.all"],
        twins: &[
            "semaphore.acquire",
            "semaphore.slow.acquire",
            "semaphore.release",
            "semaphore.wake.many",
        ],
        run: || {
            let room = Room::new(1);
            let worker = room.with(|room| (0..2).for_each(|_| room.visit_alone()));
            room.visit_alone();
            worker.join().unwrap();
            assert_eq!(room.permits.value(), 1);
        },
    };

    wakes (latest_loads): Model {
        shows: "one who barges in between a release and its wake leaves nobody asleep",
        floor: 90_000,
        witnesses: &["semaphore.clear.all", "barged in"],
        twins: &["semaphore.wake.many", "semaphore.clear.all"],
        run: || {
            loom::stop_exploring();
            let room = Room::new(0);
            let sleeper = room.with(|room| room.permits.acquire().forget());
            let_sleep(1);
            // Woken for nothing: it is about to sleep again.
            room.permits.release(1).unwrap();
            room.permits.try_acquire().unwrap().forget();
            loom::explore();
            let barger = room.with(|room| {
                if let Some(permit) = room.permits.try_acquire() {
                    permit.forget();
                    witness("barged in");
                }
            });
            room.permits.release(1).unwrap();
            barger.join().unwrap();
            // For the sleeper, if the barger was before it: it must not sleep unseen. Whether it does
            // is settled by now.
            loom::stop_exploring();
            room.permits.release(1).unwrap();
            sleeper.join().unwrap();
        },
    };

    wakes_as_many: Model {
        shows: "once two sleep, two permits given at once let both in",
        floor: 21_000,
        witnesses: &["semaphore.clear.all"],
        twins: &["semaphore.wake.many"],
        run: || {
            loom::stop_exploring();
            let room = Room::new(0);
            let workers = [(); 2].map(|()| {
                room.with(|room| {
                    room.permits.acquire().forget();
                    room.permits.release(1).unwrap();
                })
            });
            explore_once_asleep(2);
            room.permits.release(2).unwrap();
            workers.into_iter().for_each(|worker| worker.join().unwrap());
            assert_eq!(room.permits.value(), 2);
        },
    };

    counts: Model {
        shows: "who sees the permit back sees what its holder did",
        floor: 6,
        witnesses: &["back", "not back"],
        twins: &["semaphore.value", "semaphore.release"],
        run: || {
            let room = Room::new(0);
            let holder = room.with(|room| {
                room.enter_alone();
                room.permits.release(1).unwrap();
            });
            if room.permits.value() == 1 {
                witness("back");
                room.enter_alone();
            } else {
                witness("not back");
            }
            holder.join().unwrap();
        },
    };

    times_out: Model {
        shows: "one who gives up takes no permit with it",
        floor: 1_050,
        witnesses: &["got one", "gave up"],
        twins: &["semaphore.slow.acquire", "semaphore.release"],
        run: || {
            let room = Room::new(0);
            let hasty = room.with(|room| {
                let Some(permit) = room.permits.acquire_for(Duration::from_secs(1)) else {
                    return witness("gave up");
                };
                permit.forget();
                room.enter_alone();
                room.permits.release(1).unwrap();
                witness("got one");
            });
            room.enter_alone();
            room.permits.release(1).unwrap();
            hasty.join().unwrap();
            assert_eq!(room.permits.value(), 1);
        },
    };
}

/// What the permits admit to.
struct Room {
    permits: Semaphore,
    visits: UnsafeCell<u32>,
}

// SAFETY: loom checks every access to the visits.
unsafe impl Sync for Room {}

impl Room {
    fn new(permits: u32) -> Arc<Self> {
        Arc::new(Room { permits: Semaphore::new(permits), visits: UnsafeCell::new(0) })
    }

    fn with(self: &Arc<Self>, run: impl FnOnce(&Self) + 'static) -> JoinHandle<()> {
        let room = self.clone();
        thread::spawn(move || run(&room))
    }

    /// Alone, which loom checks. The permit is given by hand: a twin that fails here would give it
    /// back as it unwinds, and be explored on.
    fn visit_alone(&self) {
        self.permits.acquire().forget();
        self.enter_alone();
        self.permits.release(1).unwrap();
    }

    fn enter_alone(&self) {
        // SAFETY: loom fails the model if another has access now.
        self.visits.with_mut(|visits| unsafe { *visits += 1 });
    }
}
