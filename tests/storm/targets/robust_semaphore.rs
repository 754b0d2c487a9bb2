//! Permits that are returned when their holder dies: of a semaphore with one permit, and of one with two.

use std::time::Duration;

use multiproc::{RobustSemaphore, Shared, SharedArray};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::{SHORT, delay};

/// Longer than it takes to find the dead holders.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct RobustSemaphoreTarget {
    permits: Shared<(RobustSemaphore<1>, RobustSemaphore<2>)>,
    /// The worker that holds the one permit.
    owner: SharedArray<u32>,
}

impl RobustSemaphoreTarget {
    pub(crate) fn new() -> Self {
        let permits = (RobustSemaphore::new(1), RobustSemaphore::new(2));
        RobustSemaphoreTarget {
            permits: Shared::new(permits).unwrap(),
            owner: SharedArray::zeroed(1).unwrap(),
        }
    }
}

impl Target for RobustSemaphoreTarget {
    fn name(&self) -> &'static str {
        "RobustSemaphore"
    }

    fn use_once(&self, worker: usize, rng: &mut StdRng) -> bool {
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
        delay(rng);
        assert_eq!(self.owner.get(0), Ok(worker as u32), "two workers hold the one permit");
        // In either order.
        if rng.random() {
            drop(some);
        }
        drop(only);
        true
    }

    fn check(&self, _: u64, _: u64) -> Damage {
        let (one, two) = &*self.permits;
        let all = (one.acquire_for(LONG), two.acquire_for(LONG), two.acquire_for(LONG));
        assert!(all.0.is_some() && all.1.is_some() && all.2.is_some(), "a permit is lost");
        assert!(
            one.try_acquire().is_none() && two.try_acquire().is_none(),
            "there is one permit too many"
        );
        drop(all);
        assert_eq!((one.value(), two.value()), (1, 2));
        Damage::default()
    }
}
