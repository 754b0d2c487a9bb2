//! `Barrier`: all have come before any goes on, or it is broken for all.

use std::sync::Arc;
use std::time::Duration;

use loom::thread::{self, JoinHandle};
use multiproc::{Barrier, BrokenBarrier};

use crate::data::Data;
use crate::harness::{Model, explore_once_asleep, models, witness};

models! {
    carries (stale_loads): Model {
        shows: "who has passed, also at the last moment, sees what the others did before they came",
        floor: 3_600,
        witnesses: &["last", "first"],
        twins: &["barrier.come", "barrier.last.acquire", "barrier.last.release", "barrier.passed"],
        run: || {
            let place = Place::new(2);
            let other = place.with(|place| place.meet(0));
            place.meet(1);
            other.join().unwrap();
        },
    };

    meets_once: Model {
        shows: "two meet, each sees what the other brought, and nobody sleeps through it",
        floor: 12_400,
        witnesses: &["barrier.wake.all"],
        twins: &["barrier.come", "barrier.last.acquire"],
        run: || {
            let place = Place::new(2);
            let bring = |place: &Place, me: usize| {
                place.brought[me].write(7);
                place.barrier.wait().unwrap();
                assert_eq!(place.brought[1 - me].read(), 7);
            };
            let other = place.with(move |place| bring(place, 0));
            bring(&place, 1);
            other.join().unwrap();
        },
    };

    meets (stale_loads): Model {
        shows: "two meet twice, and nobody sleeps through the second time",
        floor: 2_400,
        witnesses: &["barrier.wake.all"],
        twins: &["barrier.round", "barrier.turn.acquire", "barrier.turn.release"],
        run: || {
            let barrier = Arc::new(Barrier::new(2));
            let twice = |barrier: &Barrier| {
                let places = [barrier.wait(), barrier.wait()];
                places.map(|place| place.unwrap())
            };
            let other = barrier.clone();
            let other = thread::spawn(move || twice(&other));
            let mine = twice(&barrier);
            let its = other.join().unwrap();
            assert_eq!([mine[0] + its[0], mine[1] + its[1]], [1, 1], "one first, one last");
            assert_eq!(barrier.waiting(), 0);
        },
    };

    three_meet: Model {
        shows: "the last of three wakes both who sleep",
        floor: 45,
        witnesses: &["barrier.wake.all"],
        twins: &["barrier.wake.all"],
        run: || {
            loom::stop_exploring();
            let place = Place::new(3);
            let others = [(); 2].map(|()| place.with(|place| _ = place.barrier.wait().unwrap()));
            explore_once_asleep(2);
            place.barrier.wait().unwrap();
            others.into_iter().for_each(|other| other.join().unwrap());
        },
    };

    acts (stale_loads): Model {
        shows: "what the last does for all is done before any goes on",
        floor: 800,
        witnesses: &["the second acted"],
        twins: &["barrier.acted", "barrier.last.acquire", "barrier.passed"],
        run: || {
            let place = Place::new(2);
            let other = place.with(|place| place.act(0));
            place.act(1);
            other.join().unwrap();
        },
    };

    times_out (stale_loads): Model {
        shows: "who gives up breaks it for the other, unless both pass",
        floor: 400,
        witnesses: &["passed", "gave up"],
        twins: &["barrier.turn.acquire"],
        run: || {
            let barrier = Arc::new(Barrier::new(2));
            let other = barrier.clone();
            let hasty = thread::spawn(move || other.wait_for(LONG));
            let mine = barrier.wait();
            let its = hasty.join().unwrap();
            match (mine, its) {
                (Ok(mine), Ok(its)) => {
                    assert_eq!(mine + its, 1);
                    witness("passed");
                }
                (Err(mine), Err(its)) => {
                    assert_eq!([mine, its], [BrokenBarrier::TimedOut; 2]);
                    assert!(barrier.is_broken());
                    witness("gave up");
                }
                halves => panic!("one passed alone: {halves:?}"),
            }
        },
    };

    is_reset: Model {
        shows: "who waits while it is reset hears of it, and it is whole for those who come then",
        floor: 36_000,
        witnesses: &["barrier.wake.all"],
        twins: &["barrier.round"],
        run: || {
            loom::stop_exploring();
            let place = Place::new(2);
            let party = place.with(|place| {
                assert_eq!(place.barrier.wait(), Err(BrokenBarrier::Reset));
                place.barrier.wait().unwrap();
            });
            explore_once_asleep(1);
            place.barrier.reset();
            place.barrier.wait().unwrap();
            party.join().unwrap();
        },
    };
}

/// In a model, a time-out may come at any moment.
const LONG: Duration = Duration::from_secs(1);

/// Where two meet, each with something that the other is to see.
struct Place {
    barrier: Barrier,
    brought: [Data; 2],
}

impl Place {
    fn new(parties: u32) -> Arc<Self> {
        Arc::new(Place { barrier: Barrier::new(parties), brought: Default::default() })
    }

    fn with(self: &Arc<Self>, run: impl FnOnce(&Self) + 'static) -> JoinHandle<()> {
        let place = self.clone();
        thread::spawn(move || run(&place))
    }

    fn meet(&self, me: usize) {
        self.brought[me].write(7);
        let Ok(came) = self.barrier.wait_for(LONG) else { return };
        assert_eq!(self.brought[1 - me].read(), 7);
        witness(if came == 1 { "last" } else { "first" });
    }

    /// The last adds up what both brought; the other hardly waits for it.
    fn act(&self, me: usize) {
        self.brought[me].write(7);
        let [a, b] = &self.brought;
        let came = match me {
            0 => self.barrier.wait_for(LONG),
            _ => self.barrier.wait_then(|| a.write(a.read() + b.read())),
        };
        if came == Ok(me) {
            assert_eq!(a.read(), 14);
            witness("the second acted");
        }
    }
}
