//! An event that all workers set, clear and wait for.

use multiproc::{Event, Shared};
use rand::Rng;
use rand::rngs::StdRng;

use crate::target::{Damage, Target};
use crate::targets::SHORT;

pub(crate) struct EventTarget(Shared<Event>);

impl EventTarget {
    pub(crate) fn new() -> Self {
        EventTarget(Shared::new(Event::new()).unwrap())
    }
}

impl Target for EventTarget {
    fn name(&self) -> &'static str {
        "Event"
    }

    fn use_once(&self, _: usize, rng: &mut StdRng) -> bool {
        match rng.random_range(0..8) {
            0..4 => self.0.set(),
            4 => self.0.clear(),
            5..7 => return self.0.wait_for(SHORT),
            _ => self.0.wait(),
        }
        true
    }

    fn unblock(&self) {
        self.0.set();
    }

    fn close(&self) {
        self.0.set();
    }

    fn check(&self, _: u64, _: u64) -> Damage {
        self.0.set();
        assert!(self.0.is_set());
        self.0.clear();
        assert!(!self.0.is_set());
        Damage::default()
    }
}
