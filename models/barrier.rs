//! `Barrier`: all have come before any goes on, or it is broken for all.

use std::panic::{self, AssertUnwindSafe};
use std::time::Duration;

use multiproc::{Barrier, BrokenBarrier, ProcessSafe};

use crate::harness::{Model, models};
use crate::stage::{
    Data, Place, end_of_round, explore, explore_once_asleep, let_sleep, reached, share, spawn_with,
    stop_exploring,
};

models! {
    carries (stale_loads): Model {
        shows: "who has passed, also at the last moment, sees what the others did before they came",
        min_explored: 3_000,
        must_reach: &["last", "first"],
        run: || {
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| gate.meet(0));
            gate.meet(1);
            other.join();
        },
    };

    meets_once: Model {
        shows: "two meet, each sees what the other brought, and nobody sleeps through it",
        min_explored: 4_400,
        must_reach: &["Barrier::wake_all"],
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
        min_explored: 2_900,
        must_reach: &["Barrier::wake_all"],
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
        min_explored: 9,
        must_reach: &["Barrier::wake_all"],
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

    acts: Model {
        shows: "what the last does for all is done before any goes on",
        min_explored: 280_000,
        must_reach: &["the second acted"],
        run: || {
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| gate.act(0));
            gate.act(1);
            other.join();
        },
    };

    times_out: Model {
        shows: "who gives up breaks it for the other, unless both pass",
        min_explored: 190_000,
        must_reach: &["passed", "gave up"],
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
                    reached("passed");
                }
                (None, None) => {
                    assert!(barrier.is_broken());
                    reached("gave up");
                }
                halves => panic!("one passed alone: {halves:?}"),
            }
        },
    };

    is_reset: Model {
        shows: "who waits while it is reset hears of it, and it is whole for those who come then",
        min_explored: 13_000,
        must_reach: &["Barrier::wake_all"],
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

    is_mended: Model {
        shows: "broken, and then reset, it is whole for those who come",
        min_explored: 4_400,
        must_reach: &["Barrier::wake_all"],
        run: || {
            let gate = Gate::new(2);
            gate.barrier.abort();
            gate.barrier.reset();
            let other = spawn_with(&gate, |gate| _ = gate.barrier.wait().unwrap());
            gate.barrier.wait().unwrap();
            other.join();
        },
    };

    is_reset_after: Model {
        shows: "who has passed hears nothing of a reset after it, however late it wakes",
        min_explored: 30,
        must_reach: &["State::outcome: ended - 1"],
        run: || {
            stop_exploring();
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| _ = gate.barrier.wait().unwrap());
            explore_once_asleep(1);
            gate.barrier.wait().unwrap();
            gate.barrier.abort();
            gate.barrier.reset();
            other.join();
        },
    };

    is_reset_often: Model {
        shows: "who sleeps through more resets than are remembered is not told that it has passed",
        min_explored: 680,
        must_reach: &["State::outcome: now.age() >= ended"],
        run: || {
            stop_exploring();
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| _ = gate.barrier.wait().unwrap_err());
            explore_once_asleep(1);
            for _ in 0..6 {
                gate.barrier.abort();
                gate.barrier.reset();
            }
            other.join();
        },
    };

    passes_long_ago (search_only): Model {
        shows: "who sleeps through more rounds than are remembered, and no reset, is told that it has passed",
        min_explored: 300,
        must_reach: &["State::outcome: now.age() >= ended"],
        run: || {
            stop_exploring();
            let gate = Gate::new(2);
            gate.barrier.abort();
            gate.barrier.reset();
            let sleeper = spawn_with(&gate, |gate| _ = gate.barrier.wait().unwrap());
            let_sleep(1);
            gate.barrier.wait().unwrap();
            let meet = |gate: &Gate| {
                for round in 0..6 {
                    gate.barrier.wait().unwrap();
                    end_of_round(round);
                }
            };
            let other = spawn_with(&gate, move |gate| meet(gate));
            explore();
            meet(&gate);
            sleeper.join();
            other.join();
        },
    };

    times_out_too_late (stale_loads): Model {
        shows: "when both pass, neither who gave up too late has broken it for those who come",
        min_explored: 3_100,
        must_reach: &["passed"],
        run: || {
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| _ = gate.barrier.wait_for(LONG));
            let passed = gate.barrier.wait_for(LONG).is_ok();
            other.join();
            if passed {
                reached("passed");
                assert!(!gate.barrier.is_broken());
            }
        },
    };

    is_aborted: Model {
        shows: "what broke it first is what all hear, who waited and who come",
        min_explored: 310,
        must_reach: &["gave up", "aborted"],
        run: || {
            let barrier = share(Barrier::new(2));
            let hasty = spawn_with(&barrier, |barrier| barrier.wait_for(LONG).unwrap_err());
            barrier.abort();
            assert!(barrier.is_broken());
            let heard = hasty.join();
            reached(if heard == BrokenBarrier::Aborted { "aborted" } else { "gave up" });
            assert_eq!(barrier.wait(), Err(heard));
        },
    };

    // Not on the machine, where each round would print the panic.
    panics (explored_only): Model {
        shows: "an action that panics breaks it for who waits",
        min_explored: 4_400,
        must_reach: &["panicked", "passed"],
        run: || {
            let barrier = share(Barrier::new(2));
            let other = spawn_with(&barrier, |barrier| barrier.wait());
            let act = || barrier.wait_then(|| panic!("half done"));
            match panic::catch_unwind(AssertUnwindSafe(act)) {
                Err(_) => {
                    assert_eq!(other.join(), Err(BrokenBarrier::ActionPanicked));
                    reached("panicked");
                }
                Ok(came) => {
                    assert_eq!((came, other.join()), (Ok(0), Ok(1)));
                    reached("passed");
                }
            }
        },
    };

    // Not on the machine, where the third would wait out its time in each round.
    acts_alone (explored_only): Model {
        shows: "who comes while the last acts belongs to the next round",
        min_explored: 3_900,
        must_reach: &["acted"],
        run: || {
            stop_exploring();
            let gate = Gate::new(2);
            let first = spawn_with(&gate, |gate| {
                if gate.barrier.wait().is_ok() {
                    assert_eq!(gate.brought[0].read(), 7);
                    reached("acted");
                }
            });
            explore_once_asleep(1);
            let mut late = None;
            _ = gate.barrier.wait_then(|| {
                late = Some(spawn_with(&gate, |gate| _ = gate.barrier.wait_for(LONG)));
                gate.brought[0].write(7);
            });
            late.unwrap().join();
            first.join();
        },
    };

    times_out_of_the_action (stale_loads): Model {
        shows: "who gives up while the last acts has broken it for the last, too",
        min_explored: 3_600,
        must_reach: &["passed", "gave up"],
        run: || {
            let gate = Gate::new(2);
            let other = spawn_with(&gate, |gate| {
                let passed = gate.barrier.wait_for(LONG).is_ok();
                gate.brought[0].write(u32::from(passed));
            });
            // A step of its own, at which the other may give up.
            let act = || _ = gate.barrier.waiting();
            let passed = gate.barrier.wait_then(act).is_ok();
            other.join();
            assert_eq!(gate.brought[0].read(), u32::from(passed));
            reached(if passed { "passed" } else { "gave up" });
        },
    };
}

/// In a model, a time-out may come at any moment.
const LONG: Duration = Duration::from_secs(1);

/// Where two meet, each with something that the other is to see.
#[derive(ProcessSafe)]
struct Gate {
    barrier: Barrier,
    brought: [Data; 2],
}

impl Gate {
    fn new(parties: u32) -> Place<Self> {
        share(Gate { barrier: Barrier::new(parties), brought: Default::default() })
    }

    fn meet(&self, me: usize) {
        self.brought[me].write(7);
        let Ok(came) = self.barrier.wait_for(LONG) else { return };
        assert_eq!(self.brought[1 - me].read(), 7);
        reached(if came == 1 { "last" } else { "first" });
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
            reached("the second acted");
        }
    }
}
