//! An event that is set, cleared and waited for by all.

use multiproc::{Event, Shared};
use rand::Rng;
use rand::rngs::StdRng;

use crate::station::{Balance, Station};
use crate::stations::SHORT;

pub(crate) struct Signal(Shared<Event>);

impl Signal {
    pub(crate) fn new() -> Self {
        Signal(Shared::new(Event::new()).unwrap())
    }
}

impl Station for Signal {
    fn name(&self) -> &'static str {
        "Event"
    }

    fn visit(&self, _: usize, rng: &mut StdRng) -> bool {
        match rng.random_range(0..8) {
            0..4 => self.0.set(),
            4 => self.0.clear(),
            5..7 => return self.0.wait_for(SHORT),
            _ => self.0.wait(),
        }
        true
    }

    fn stir(&self) {
        self.0.set();
    }

    fn close(&self) {
        self.0.set();
    }

    fn balance(&self, _: u64, _: u64) -> Balance {
        self.0.set();
        assert!(self.0.is_set());
        self.0.clear();
        assert!(!self.0.is_set());
        Balance::default()
    }
}
