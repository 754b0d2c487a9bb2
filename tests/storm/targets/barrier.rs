//! A barrier for two parties. A worker that finds it broken resets it.

use std::cell::Cell;

use multiproc::{Barrier, BrokenBarrier, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::SHORT;

/// The number of calls of `unblock` for one reset.
const CALLS_PER_RESET: u32 = 4;

pub(crate) struct BarrierTarget {
    barrier: Shared<Barrier>,
    /// How many passed as the first of the two, and as the second; and how many were told of a reset,
    /// which may have passed.
    passed: SharedArray<u64>,
    calls: Cell<u32>,
}

impl BarrierTarget {
    pub(crate) fn new() -> Self {
        BarrierTarget {
            barrier: Shared::new(Barrier::new(2)).unwrap(),
            passed: SharedArray::zeroed(3).unwrap(),
            calls: Cell::new(0),
        }
    }
}

impl Target for BarrierTarget {
    fn name(&self) -> &'static str {
        "Barrier"
    }

    fn use_once(&self, _: usize, rng: &mut StdRng) -> bool {
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

    fn unblock(&self) {
        self.calls.set(self.calls.get() + 1);
        if self.calls.get().is_multiple_of(CALLS_PER_RESET) {
            self.barrier.reset();
        }
    }

    fn close(&self) {
        self.barrier.abort();
    }

    fn check(&self, uses: u64, deaths: u64) -> Damage {
        let [first, second, reset] = [0, 1, 2].map(|place| self.passed.get(place).unwrap());
        // One of a pair may have been killed after it arrived, or woken so late that it cannot tell.
        assert!(
            first.abs_diff(second) <= deaths + reset,
            "{first} and {second} passed, {deaths} died and {reset} were told of a reset"
        );
        assert!((uses..=uses + deaths).contains(&(first + second)));
        Damage::default()
    }
}
