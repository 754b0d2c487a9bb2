//! What every primitive in the storm answers, and the book in which the workers write.

use multiproc::{Event, Shared, SharedArray};
use rand::rngs::StdRng;

/// Who works at a time.
pub(crate) const WORKERS: usize = 4;

/// A primitive that is used by all workers.
pub(crate) trait Station {
    fn name(&self) -> &'static str;

    /// Uses it once, as worker number `worker`; false when that came to nothing, as it may.
    fn visit(&self, worker: usize, rng: &mut StdRng) -> bool;

    /// Lets those go on who wait for what only another might have done.
    fn stir(&self) {}

    /// Sets right what the death of a worker in the middle of a visit may leave undone by its
    /// contract.
    fn bury(&self, _worker: usize) {}

    /// No more visits: whoever waits goes on.
    fn close(&self) {}

    /// Checks that all is there after so many visits that were brought to their end, and so many
    /// that were not.
    fn balance(&self, visits: u64, deaths: u64) -> Balance;
}

/// What a station found when all had gone.
#[derive(Default)]
pub(crate) struct Balance {
    pub(crate) reported: u64,
    pub(crate) lost: u64,
}

/// Where each worker is, and what it has done; its words outlive it.
pub(crate) struct Book {
    stations: usize,
    /// Of each worker, the number of the station where it is, from 1.
    place: SharedArray<u32>,
    /// Of each worker and each station.
    visits: SharedArray<u64>,
    over: Shared<Event>,
}

impl Book {
    pub(crate) fn new(stations: usize) -> Self {
        Book {
            stations,
            place: SharedArray::zeroed(WORKERS).unwrap(),
            visits: SharedArray::zeroed(WORKERS * stations).unwrap(),
            over: Shared::new(Event::new()).unwrap(),
        }
    }

    pub(crate) fn enter(&self, worker: usize, station: usize) {
        self.place.set(worker, station as u32 + 1).unwrap();
    }

    pub(crate) fn leave(&self, worker: usize, station: usize, done: bool) {
        self.visits.fetch_add(worker * self.stations + station, done.into()).unwrap();
        self.place.set(worker, 0).unwrap();
    }

    /// The station at which the worker has died, if it was at one.
    pub(crate) fn bury(&self, worker: usize) -> Option<usize> {
        (self.place.swap(worker, 0).unwrap() as usize).checked_sub(1)
    }

    pub(crate) fn visits_of(&self, station: usize) -> u64 {
        self.visits.iter().skip(station).step_by(self.stations).sum()
    }

    pub(crate) fn visits(&self) -> u64 {
        self.visits.iter().sum()
    }

    pub(crate) fn end(&self) {
        self.over.set();
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.is_set()
    }
}
