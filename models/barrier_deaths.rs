//! `Barrier`, where a party is killed: the others hear of it, and meet again without it.

use multiproc::{Barrier, BrokenBarrier, Event, ProcessSafe, RobustSemaphore};

use crate::harness::{Model, models};
use crate::stage::{
    end_well, explore, let_sleep, reached, share, spawn_mortal, spawn_with, stop_exploring,
};

models! {
    of_two (one_dies, slices_end, explored_only): Model {
        shows: "of two who have met one is killed: the other hears, and after a reset meets a third",
        min_explored: 9_000,
        must_reach: &["lived", "died", "passed", "broken"],
        run: || {
            stop_exploring();
            let hall = share(Hall { barrier: Barrier::new(2), seat: RobustSemaphore::new(1) });
            let party = spawn_mortal(&hall, |hall| {
                let _seat = hall.seat.acquire();
                hall.barrier.wait().unwrap();
                hall.barrier.wait().unwrap();
            });
            let_sleep(1);
            hall.barrier.wait().unwrap();
            explore();
            let mine = hall.barrier.wait();
            let lived = party.ended().is_some();
            reached(if lived { "lived" } else { "died" });
            reached(if mine.is_ok() { "passed" } else { "broken" });
            if mine.is_err() {
                assert_eq!((mine, lived), (Err(BrokenBarrier::PartyDied), false));
            }
            if lived {
                return;
            }
            hall.barrier.reset();
            let third = spawn_with(&hall, |hall| _ = hall.barrier.wait().unwrap());
            // The dead had it: this takes a slice or two, and the third waits for many.
            drop(hall.seat.acquire());
            hall.barrier.wait().unwrap();
            third.join();
        },
    };

    is_entered_once (one_dies, slices_end, explored_only): Model {
        shows: "one whose place among the parties is taken comes twice, and leaves room for one who is killed",
        min_explored: 100,
        must_reach: &["lived", "died", "broken", "Participants::register_slow: other != mine"],
        run: || {
            stop_exploring();
            let hall = share((Barrier::new(2), Event::new()));
            // Of four threads, the first and the last have one place of three.
            spawn_with(&hall, |_| ()).join();
            let third = spawn_mortal(&hall, |hall| {
                let (barrier, turn) = &**hall;
                turn.wait();
                barrier.wait().unwrap();
                barrier.wait().unwrap();
            });
            let meet_twice = |barrier: &Barrier| (0..2).for_each(|_| _ = barrier.wait().unwrap());
            let fourth = spawn_with(&hall, move |hall| meet_twice(&hall.0));
            let (barrier, turn) = &*hall;
            meet_twice(barrier);
            fourth.join();
            turn.set();
            let_sleep(1);
            barrier.wait().unwrap();
            explore();
            let mine = barrier.wait();
            let lived = third.ended().is_some();
            reached(if lived { "lived" } else { "died" });
            if mine.is_err() {
                reached("broken");
                assert_eq!((mine, lived), (Err(BrokenBarrier::PartyDied), false));
            }
        },
    };

    one_leaves (search_only, six_look, explored_only): Model {
        shows: "of two who have met one ends well: the other waits, and meets a third",
        min_explored: 300,
        must_reach: &["Barrier::sleep: died"],
        run: || {
            stop_exploring();
            let barrier = share(Barrier::new(2));
            let party = spawn_with(&barrier, |barrier| {
                barrier.wait().unwrap();
                end_well();
            });
            barrier.wait().unwrap();
            party.join();
            let third = spawn_with(&barrier, |barrier| _ = barrier.wait().unwrap());
            explore();
            barrier.wait().unwrap();
            third.join();
        },
    };

    of_three (one_dies, slices_end, explored_only): Model {
        shows: "of three who have met one is killed: the others both pass, or both hear, and are met again",
        min_explored: 9_700,
        must_reach: &["lived", "died", "passed", "broken"],
        run: || {
            stop_exploring();
            let barrier = share(Barrier::new(3));
            let twice = |barrier: &Barrier| {
                barrier.wait().unwrap();
                barrier.wait().map(drop)
            };
            let other = spawn_with(&barrier, move |barrier| twice(barrier));
            let party = spawn_mortal(&barrier, move |barrier| twice(barrier));
            let_sleep(2);
            barrier.wait().unwrap();
            // The other has come again.
            let_sleep(1);
            explore();
            let mine = barrier.wait().map(drop);
            reached(if mine.is_ok() { "passed" } else { "broken" });
            assert_eq!(mine, other.join());
            let its = party.ended();
            reached(if its.is_some() { "lived" } else { "died" });
            assert!(its.is_none_or(|its| its == mine));
            if mine.is_err() {
                assert_eq!((mine, its), (Err(BrokenBarrier::PartyDied), None));
                stop_exploring();
                barrier.reset();
                let others = [(); 2].map(|()| spawn_with(&barrier, |barrier| barrier.wait().is_ok()));
                barrier.wait().unwrap();
                assert!(others.into_iter().all(|other| other.join()));
            }
        },
    };
}

#[derive(ProcessSafe)]
struct Hall {
    barrier: Barrier,
    seat: RobustSemaphore<1>,
}
