//! Permits that come back by themselves: one, which says who has it, and two.

use std::time::Duration;

use multiproc::{RobustSemaphore, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::{SHORT, linger};

/// Longer than it ever takes to find out who has died.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Robust {
    permits: Shared<(RobustSemaphore<1>, RobustSemaphore<2>)>,
    /// Who has the one.
    owner: SharedArray<u32>,
}

impl Robust {
    pub(crate) fn new() -> Self {
        let permits = (RobustSemaphore::new(1), RobustSemaphore::new(2));
        Robust { permits: Shared::new(permits).unwrap(), owner: SharedArray::zeroed(1).unwrap() }
    }
}

impl Station for Robust {
    fn name(&self) -> &'static str {
        "RobustSemaphore"
    }

    fn visit(&self, worker: usize, rng: &mut StdRng) -> bool {
        let (one, two) = &*self.permits;
        let some = match rng.random_range(0..8) {
            0 => two.try_acquire(),
            1 => two.acquire_for(SHORT),
            _ => Some(two.acquire()),
        };
        if some.is_none() {
            return false;
        }
        let only = one.acquire();
        self.owner.set(0, worker as u32).unwrap();
        linger(rng);
        assert_eq!(self.owner.get(0), Ok(worker as u32), "two have the one permit");
        // In either order.
        if rng.random() {
            drop(some);
        }
        drop(only);
        true
    }

    fn balance(&self, _: u64, _: u64) -> Balance {
        let (one, two) = &*self.permits;
        let all = (one.acquire_for(LONG), two.acquire_for(LONG), two.acquire_for(LONG));
        assert!(all.0.is_some() && all.1.is_some() && all.2.is_some(), "a permit is lost");
        assert!(one.try_acquire().is_none() && two.try_acquire().is_none(), "there is one more");
        drop(all);
        assert_eq!((one.value(), two.value()), (1, 2));
        Balance::default()
    }
}
