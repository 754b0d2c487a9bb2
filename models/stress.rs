//! The legs on the machine: each model many times, on threads and on processes. What they show is
//! that the real futex, the kernel's sockets and the memory of real processes are what the explored
//! legs take them for; the interleavings are those that happen to come.
//!
//! ```text
//! MULTIPROC_STRESS=100000 cargo test --release --test models
//! ```

use std::time::Duration;

use multiproc::{Process, Shared, Value};

use crate::harness::Model;
use crate::stage::{Leg, begin};

/// Rounds of a model when none are asked for.
const SOME: u32 = 200;

/// No round takes so long, unless it hangs.
const LONG: Duration = Duration::from_secs(60);

/// What a model is told before it plays, and how many rounds it has behind it.
pub(crate) type Orders = (Leg, Shared<Value<u32>>);

impl Model {
    pub(crate) fn play(&self, (leg, behind): Orders) {
        begin(leg);
        let rounds =
            std::env::var("MULTIPROC_STRESS").map_or(SOME, |n| n.parse().expect("a number"));
        for _ in 0..rounds {
            (self.run)();
            behind.fetch_add(1);
        }
    }
}

/// Has the model played in a process of its own, which is ended if it hangs. What it panics with is
/// this test's panic.
pub(crate) fn holds_on(leg: Leg, play: fn(Orders)) {
    let behind = Shared::new(Value::new(0)).unwrap();
    let player = Process::spawn(play, (leg, behind.clone())).unwrap();
    let mut seen = 0;
    loop {
        match player.join_for(LONG) {
            Some(end) => return end.unwrap_or_else(|error| panic!("{error}")),
            None if behind.get() > seen => seen = behind.get(),
            None => {
                player.kill().unwrap();
                player.join().unwrap_err();
                panic!("round {} hangs", seen + 1);
            }
        }
    }
}

/// What the legs that explore are told.
pub(crate) type Legs = ();

/// What is run of a model: nothing where `explored_only` is the last that is said of it.
macro_rules! legs {
    (explored_only) => {
        pub(crate) const LEGS: $crate::stress::Legs = ();
    };
    ($how:ident, $($more:ident),+) => {
        $crate::stress::legs!($($more),+);
    };
    ($($how:ident)?) => {
        pub(crate) const LEGS: $crate::stress::Legs = ();

        #[test]
        fn on_threads() {
            $crate::stress::holds_on($crate::stage::Leg::Threads, |orders| MODEL.play(orders));
        }

        #[test]
        fn on_processes() {
            $crate::stress::holds_on($crate::stage::Leg::Processes, |orders| MODEL.play(orders));
        }
    };
}
pub(crate) use legs;
