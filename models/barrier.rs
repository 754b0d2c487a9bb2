//! `Barrier`: all have come before any goes on, or it is broken for all.

use std::time::Duration;

use multiproc::{Barrier, BrokenBarrier};

use crate::harness::{Model, models};
use crate::stage::{Data, Place, explore_once_asleep, share, spawn_with, stop_exploring, witness};

models! {
    carries (stale_loads): Model {
        shows: "who has passed, also at the last moment, sees what the others did before they came",
        floor: 3_600,
        witnesses: &["last", "first"],
        twins: &["barrier.come", "barrier.last.acquire", "barrier.last.release", "barrier.passed"],
        run: || {
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| gate.meet(0));
            gate.meet(1);
            other.join();
        },
    };

    meets_once: Model {
        shows: "two meet, each sees what the other brought, and nobody sleeps through it",
        floor: 12_400,
        witnesses: &["barrier.wake.all"],
        twins: &["barrier.come", "barrier.last.acquire"],
        run: || {
            let gate = Gate::new(2);
            let bring = |gate: &Gate, me: usize| {
                gate.brought[me].write(7);
                gate.barrier.wait().unwrap();
                assert_eq!(gate.brought[1 - me].read(), 7);
            };
            let other = spawn_with(&gate, move |gate| bring(gate, 0));
            bring(&gate, 1);
            other.join();
        },
    };

    meets (stale_loads): Model {
        shows: "two meet twice, and nobody sleeps through the second time",
        floor: 2_400,
        witnesses: &["barrier.wake.all"],
        twins: &["barrier.round", "barrier.turn.acquire", "barrier.turn.release"],
        run: || {
            let barrier = share(Barrier::new(2));
            let twice = |barrier: &Barrier| {
                let places = [barrier.wait(), barrier.wait()];
                places.map(|place| place.unwrap())
            };
            let other = spawn_with(&barrier, move |barrier| twice(barrier));
            let mine = twice(&barrier);
            let its = other.join();
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
            stop_exploring();
            let gate = Gate::new(3);
            let others = [(); 2].map(|()| {
                spawn_with(&gate, |gate| _ = gate.barrier.wait().unwrap())
            });
            explore_once_asleep(2);
            gate.barrier.wait().unwrap();
            others.into_iter().for_each(|other| other.join());
        },
    };

    acts (stale_loads): Model {
        shows: "what the last does for all is done before any goes on",
        floor: 800,
        witnesses: &["the second acted"],
        twins: &["barrier.acted", "barrier.last.acquire", "barrier.passed"],
        run: || {
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| gate.act(0));
            gate.act(1);
            other.join();
        },
    };

    times_out (stale_loads): Model {
        shows: "who gives up breaks it for the other, unless both pass",
        floor: 400,
        witnesses: &["passed", "gave up"],
        twins: &["barrier.turn.acquire"],
        run: || {
            let barrier = share(Barrier::new(2));
            let came = |place: Result<usize, BrokenBarrier>| match place {
                Ok(place) => Some(place),
                Err(broken) => {
                    assert_eq!(broken, BrokenBarrier::TimedOut);
                    None
                }
            };
            let hasty = spawn_with(&barrier, move |barrier| came(barrier.wait_for(LONG)));
            let mine = came(barrier.wait());
            let its = hasty.join();
            match (mine, its) {
                (Some(mine), Some(its)) => {
                    assert_eq!(mine + its, 1);
                    witness("passed");
                }
                (None, None) => {
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
            stop_exploring();
            let gate = Gate::new(2);
            let party = spawn_with(&gate, |gate| {
                assert_eq!(gate.barrier.wait(), Err(BrokenBarrier::Reset));
                gate.barrier.wait().unwrap();
            });
            explore_once_asleep(1);
            gate.barrier.reset();
            gate.barrier.wait().unwrap();
            party.join();
        },
    };
}

/// In a model, a time-out may come at any moment.
const LONG: Duration = Duration::from_secs(1);

multiproc::process_safe! {
    /// Where two meet, each with something that the other is to see.
    struct Gate {
        barrier: Barrier,
        brought: [Data; 2],
    }
}

impl Gate {
    fn new(parties: u32) -> Place<Self> {
        share(Gate { barrier: Barrier::new(parties), brought: Default::default() })
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
