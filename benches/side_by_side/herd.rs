//! A thundering herd: the time from one `set` until all waiters have gone on, divided by their number.
//! The ratio of many waiters to few says whether the time grows faster than their number.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Event, Shared, SharedArray};
use serde::{Deserialize, Serialize};

use crate::workers::{Kind, Workers};
use crate::{Implementation, TIMEOUT, Workload, start};

/// The largest ratio of the time per waiter of a thousand waiters to that of a hundred and of ten.
const LARGEST_RATIO: f64 = 2.0;

pub(crate) fn of_threads() -> Workload {
    herds("herd, one event, threads", Kind::Threads)
}

pub(crate) fn of_processes() -> Workload {
    herds("herd, one event, processes", Kind::Processes)
}

fn herds(name: &'static str, kind: Kind) -> Workload {
    let herd = |name, size| {
        let mut herd = None;
        let herd = move |times| herd.get_or_insert_with(|| Herd::new(kind, size)).released(times);
        Implementation::timed(name, herd)
    };
    Workload {
        name,
        implementations: vec![
            herd("1,000 wait", 1000),
            herd("100 wait", 100).goal(LARGEST_RATIO),
            herd("10 wait", 10).goal(LARGEST_RATIO),
            herd("1 waits", 1),
        ],
    }
}

/// Indices of the counts.
const ARRIVED: usize = 0;
const GONE: usize = 1;
const OVER: usize = 2;

/// What all workers share.
#[derive(Clone, Serialize, Deserialize)]
struct Fixture {
    /// For alternating rounds, so that no worker goes on twice.
    events: Shared<[Event; 2]>,
    /// That the last worker has gone on.
    done: Shared<Event>,
    counts: SharedArray<u64>,
    size: u64,
}

struct Herd {
    fixture: Fixture,
    rounds: usize,
    workers: Option<Workers<()>>,
}

impl Herd {
    fn new(kind: Kind, size: u64) -> Self {
        let fixture = Fixture {
            events: Shared::new(std::array::from_fn::<_, 2, _>(|_| Event::new()))
                .expect("a page of shared memory"),
            done: Shared::new(Event::new()).expect("a page of shared memory"),
            counts: SharedArray::zeroed(3).expect("a page of shared memory"),
            size,
        };
        let workers = start(kind, Fixture::wait, (0..size).map(|_| fixture.clone()));
        Herd { fixture, rounds: 0, workers: Some(workers) }
    }

    /// The time that so many workers take to go on.
    fn released(&mut self, times: u64) -> Duration {
        let size = self.fixture.size;
        let rounds = (times / size).max(1);
        let took: Duration = (0..rounds).map(|_| self.round()).sum();
        took.mul_f64(times as f64 / (rounds * size) as f64)
    }

    fn round(&mut self) -> Duration {
        let Fixture { events, done, counts, size } = &self.fixture;
        let event = &events[self.rounds % 2];
        self.rounds += 1;
        while counts.get(ARRIVED).expect("it is there") < *size {
            thread::yield_now();
        }
        // The last workers are about to sleep.
        thread::sleep(Duration::from_millis(1));
        counts.set(ARRIVED, 0).expect("it is there");
        let start = Instant::now();
        event.set();
        done.wait();
        let took = start.elapsed();
        event.clear();
        done.clear();
        took
    }
}

impl Fixture {
    fn wait(self) {
        let count = |place, more| self.counts.fetch_add(place, more).expect("it is there");
        for round in 0.. {
            count(ARRIVED, 1);
            self.events[round % 2].wait();
            if count(OVER, 0) > 0 {
                return;
            }
            if count(GONE, 1) + 1 == self.size {
                self.counts.set(GONE, 0).expect("it is there");
                self.done.set();
            }
        }
    }
}

impl Drop for Herd {
    fn drop(&mut self) {
        self.fixture.counts.set(OVER, 1).expect("it is there");
        self.fixture.events.iter().for_each(Event::set);
        self.workers.take().map(|workers| workers.join(TIMEOUT));
    }
}
