//! A barrier for two, at which all meet; whoever finds it broken sets it up again.

use std::cell::Cell;

use multiproc::{Barrier, BrokenBarrier, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::SHORT;

/// So many times others are stirred until those are who wait here.
const CALLS: u32 = 4;

pub(crate) struct Meeting {
    barrier: Shared<Barrier>,
    /// How many have passed as the first of the two, and as the second; and how many heard of a reset,
    /// who may have passed.
    passed: SharedArray<u64>,
    calls: Cell<u32>,
}

impl Meeting {
    pub(crate) fn new() -> Self {
        Meeting {
            barrier: Shared::new(Barrier::new(2)).unwrap(),
            passed: SharedArray::zeroed(3).unwrap(),
            calls: Cell::new(0),
        }
    }
}

impl Station for Meeting {
    fn name(&self) -> &'static str {
        "Barrier"
    }

    fn visit(&self, _: usize, rng: &mut StdRng) -> bool {
        let met = match rng.random_range(0..8) {
            0 => self.barrier.wait_for(SHORT),
            1 => self.barrier.wait_then(|| {}),
            _ => self.barrier.wait(),
        };
        match met {
            Ok(place) => self.passed.fetch_add(place, 1).unwrap(),
            Err(BrokenBarrier::Reset) => {
                self.passed.fetch_add(2, 1).unwrap();
                return false;
            }
            Err(_) => {
                self.barrier.reset();
                return false;
            }
        };
        true
    }

    fn stir(&self) {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get().is_multiple_of(CALLS) {
            self.barrier.reset();
        }
    }

    fn close(&self) {
        self.barrier.abort();
    }

    fn balance(&self, visits: u64, deaths: u64) -> Balance {
        let [first, second, reset] = [0, 1, 2].map(|place| self.passed.get(place).unwrap());
        // One of a pair may have died after it had come, or woken so late that it cannot know.
        assert!(
            first.abs_diff(second) <= deaths + reset,
            "{first} and {second} met, {deaths} died and {reset} heard of a reset"
        );
        assert!((visits..=visits + deaths).contains(&(first + second)));
        Balance::default()
    }
}
