//! `RobustSemaphore`: as many inside as there are permits, and whoever sleeps is woken, though marks
//! and turns are several steps.

use std::mem::ManuallyDrop;
use std::time::Duration;

use multiproc::{RobustPermit, RobustSemaphore};

use crate::harness::{Model, models};
use crate::stage::{
    Data, Place, end_life, explore, explore_once_asleep, reached, share, spawn_with, stop_exploring,
};

models! {
    hands_over: Model {
        shows: "two workers on one permit, two rounds and one: one inside, all permits come back",
        min_explored: 2_000,
        must_reach: &["wake: wake_op", "RobustSemaphore::wait: mine | AWAITED"],
        run: || {
            let room = Room::<1>::new(1);
            let worker = spawn_with(&room, |room| (0..2).for_each(|_| room.visit_alone()));
            room.visit_alone();
            worker.join();
            assert_eq!((room.permits.value(), room.visits()), (1, 3));
        },
    };

    passes_on: Model {
        shows: "once two sleep, one who barges in and leaves no mark leaves nobody asleep",
        min_explored: 5_800,
        must_reach: &["barged in", "RobustSemaphore::wait: mine | AWAITED"],
        run: || {
            stop_exploring();
            let room = Room::<1>::new(1);
            let permit = hold(&room.permits);
            let workers = [(); 2].map(|()| spawn_with(&room, |room| drop(room.permits.acquire())));
            explore_once_asleep(2);
            drop(ManuallyDrop::into_inner(permit));
            if let Some(permit) = room.permits.try_acquire() {
                reached("barged in");
                drop(permit);
            }
            workers.into_iter().for_each(|worker| worker.join());
            assert_eq!(room.permits.value(), 1);
        },
    };

    wakes: Model {
        shows: "one who barges in while a permit is given back leaves nobody asleep",
        min_explored: 440,
        must_reach: &["barged in"],
        run: || {
            let room = Room::<1>::new(1);
            let permit = hold(&room.permits);
            let sleeper = spawn_with(&room, |room| room.visit_alone());
            let barger = spawn_with(&room, |room| {
                if let Some(permit) = room.permits.try_acquire() {
                    reached("barged in");
                    room.enter_and_give(permit);
                }
            });
            room.enter_alone();
            drop(ManuallyDrop::into_inner(permit));
            sleeper.join();
            barger.join();
            assert_eq!(room.permits.value(), 1);
        },
    };

    looks_again: Model {
        shows: "of two permits, one comes free behind the look of who is about to sleep",
        min_explored: 2_800,
        must_reach: &["the second was taken"],
        run: || {
            let room = Room::<2>::new(2);
            let permit = hold(&room.permits);
            let barger = spawn_with(&room, |room| {
                if let Some(permit) = room.permits.try_acquire() {
                    if room.permits.value() == 0 {
                        reached("the second was taken");
                    }
                    std::mem::forget(permit);
                }
            });
            let sleeper = spawn_with(&room, |room| std::mem::forget(room.permits.acquire()));
            drop(ManuallyDrop::into_inner(permit));
            sleeper.join();
            barger.join();
        },
    };

    releases: Model {
        shows: "once two sleep, two permits released at once let both in",
        min_explored: 500,
        must_reach: &["RobustSemaphore::free: "],
        run: || {
            stop_exploring();
            let room = Room::<2>::new(0);
            let workers =
                [(); 2].map(|()| spawn_with(&room, |room| room.permits.acquire().forget()));
            explore_once_asleep(2);
            room.permits.release(2).unwrap();
            workers.into_iter().for_each(|worker| worker.join());
            assert_eq!(room.permits.value(), 0);
        },
    };

    releases_all_or_nothing: Model {
        shows: "two who release at once more than there is room for release two or none",
        min_explored: 850,
        must_reach: &["one of them", "neither"],
        run: || {
            let room = Room::<2>::new(0);
            let other = spawn_with(&room, |room| {
                if room.permits.release(2).is_ok() {
                    room.enter_alone();
                }
            });
            let released = room.permits.release(2).is_ok();
            other.join();
            let visits = room.visits();
            let value = room.permits.value();
            if released || visits == 1 {
                reached("one of them");
                assert_eq!((value, released, visits), (2, visits == 0, visits));
                assert_eq!(room.permits.release(1).unwrap_err().value, 2);
            } else {
                reached("neither");
                assert_eq!(value, 0);
                assert_eq!(room.permits.release(3).unwrap_err().value, 0);
                room.permits.release(2).expect("it is as before");
            }
        },
    };

    forgets: Model {
        shows: "who releases what it forgot finds room, also where another took the very entry",
        min_explored: 730,
        must_reach: &[],
        run: || {
            let room = Room::<2>::new(2);
            let other = spawn_with(&room, |room| room.forget_and_release());
            room.forget_and_release();
            other.join();
            assert_eq!(room.permits.value(), 2);
        },
    };

    counts: Model {
        shows: "who sees a permit back, given or released, sees what its holder did",
        min_explored: 28,
        must_reach: &["none", "one", "two"],
        run: || {
            let room = Room::<2>::new(1);
            let permit = hold(&room.permits);
            let other = spawn_with(&room, |room| match room.permits.value() {
                0 => reached("none"),
                back => {
                    room.enter_alone();
                    reached(if back == 1 { "one" } else { "two" });
                }
            });
            room.enter_alone();
            room.permits.release(1).unwrap();
            drop(ManuallyDrop::into_inner(permit));
            other.join();
            drop(room.permits.try_acquire().expect("both are back"));
        },
    };

    times_out: Model {
        shows: "one who gives up takes no permit with it",
        min_explored: 68,
        must_reach: &["got one", "gave up"],
        run: || {
            let room = Room::<1>::new(1);
            let permit = hold(&room.permits);
            let hasty = spawn_with(&room, |room| {
                let Some(permit) = room.permits.acquire_for(Duration::from_secs(1)) else {
                    return reached("gave up");
                };
                room.enter_and_give(permit);
                reached("got one");
            });
            room.enter_alone();
            drop(ManuallyDrop::into_inner(permit));
            hasty.join();
            assert_eq!(room.permits.value(), 1);
        },
    };

    times_out_beside_another: Model {
        shows: "once one sleeps, another who gives up takes no wake with it",
        min_explored: 300_000,
        must_reach: &["got one", "gave up"],
        run: || {
            stop_exploring();
            let room = Room::<1>::new(1);
            let permit = hold(&room.permits);
            let patient = spawn_with(&room, |room| room.visit_alone());
            explore_once_asleep(1);
            let hasty = spawn_with(&room, |room| match room.permits.acquire_for(Duration::from_secs(1)) {
                None => reached("gave up"),
                Some(permit) => {
                    room.enter_and_give(permit);
                    reached("got one");
                }
            });
            room.enter_alone();
            drop(ManuallyDrop::into_inner(permit));
            hasty.join();
            patient.join();
            assert_eq!(room.permits.value(), 1);
        },
    };

    // Not on the machine: a thread does not die alone, and of the processes each would die that ends
    // with a permit. `tests/robust_semaphore_deaths.rs` kills real ones.
    finds_dead (explored_only): Model {
        shows: "a dead one's permit goes to one who waits for it, who sees what the finder knows",
        min_explored: 100_000,
        must_reach: &["the finder has it", "the other had it"],
        run: || {
            let room = Room::<1>::dead();
            let other = spawn_with(&room, |room| {
                std::mem::forget(room.permits.acquire());
                room.enter_alone();
            });
            room.enter_alone();
            // Its wait ends, and it looks who is dead.
            match room.permits.acquire_for(Duration::from_secs(1)) {
                None => reached("the other had it"),
                Some(permit) => {
                    room.enter_and_give(permit);
                    reached("the finder has it");
                }
            }
            other.join();
            assert_eq!(room.permits.value(), 0);
        },
    };

    // Not on the machine, as above.
    finds_dead_once (stale_loads, explored_only): Model {
        shows: "two who find the same dead one bring back one permit, and rob nobody who lives",
        min_explored: 78_000,
        must_reach: &["the first had it", "the second had it"],
        run: || {
            let room = Room::<1>::dead();
            let visit = |room: &Room<1>, who| {
                if let Some(permit) = room.permits.acquire_for(Duration::from_secs(1)) {
                    std::mem::forget(permit);
                    room.enter_alone();
                    reached(who);
                }
            };
            let other = spawn_with(&room, move |room| visit(room, "the first had it"));
            visit(&room, "the second had it");
            other.join();
            assert_eq!((room.permits.value(), room.visits()), (0, 1));
        },
    };
}

/// What the permits admit to.
#[derive(Clone)]
struct Room<const N: usize> {
    permits: Place<RobustSemaphore<N>>,
    visits: Place<Data>,
}

/// A permit that is given back only by hand: a mutant that fails meanwhile would give it back as it
/// unwinds, and be explored on.
fn hold<const N: usize>(permits: &RobustSemaphore<N>) -> ManuallyDrop<RobustPermit<'_>> {
    ManuallyDrop::new(permits.acquire())
}

impl<const N: usize> Room<N> {
    fn new(permits: u32) -> Self {
        Room { permits: share(RobustSemaphore::new(permits)), visits: share(Data::default()) }
    }

    fn forget_and_release(&self) {
        self.permits.acquire().forget();
        self.permits.release(1).unwrap();
    }

    /// Alone, which is checked.
    fn visit_alone(&self) {
        self.enter_and_give(self.permits.acquire());
    }

    fn enter_and_give(&self, permit: RobustPermit<'_>) {
        let permit = ManuallyDrop::new(permit);
        self.enter_alone();
        drop(ManuallyDrop::into_inner(permit));
    }

    fn enter_alone(&self) {
        self.visits.add(1);
    }

    /// Where the one who holds the one permit is dead.
    fn dead() -> Room<1> {
        stop_exploring();
        let room = Room::<1>::new(1);
        let dead = spawn_with(&room, |room| {
            std::mem::forget(room.permits.acquire());
            end_life();
        });
        dead.join();
        explore();
        room
    }

    /// Of all who have been joined.
    fn visits(&self) -> u32 {
        self.visits.read()
    }
}
