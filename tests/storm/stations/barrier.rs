//! A barrier for two, at which all meet; whoever finds it broken sets it up again.

use std::cell::Cell;

use multiproc::{Barrier, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::SHORT;

/// So many times others are stirred until those are who wait here.
const CALLS: u32 = 4;

pub(crate) struct Meeting {
    barrier: Shared<Barrier>,
    /// How many have passed as the first of the two, and as the second.
    passed: SharedArray<u64>,
    calls: Cell<u32>,
}

impl Meeting {
    pub(crate) fn new() -> Self {
        Meeting {
            barrier: Shared::new(Barrier::new(2)).unwrap(),
            passed: SharedArray::zeroed(2).unwrap(),
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
        let [first, second] = [0, 1].map(|place| self.passed.get(place).unwrap());
        // One of a pair may have died after it had come.
        assert!(first.abs_diff(second) <= deaths, "{first} and {second} met, {deaths} died");
        assert!((visits..=visits + deaths).contains(&(first + second)));
        Balance::default()
    }
}
