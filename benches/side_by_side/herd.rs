//! From one `set` until all who waited have gone on: the time for each of them. That of many, as a
//! ratio to that of few, says whether the time grows faster than their number.

use std::thread;
use std::time::{Duration, Instant};

use multiproc::{Event, Shared, SharedArray};
use serde::{Deserialize, Serialize};

use crate::crew::{Crew, Kind};
use crate::{Contender, Workload};

/// The most that one of a thousand may take, as a ratio to one of a hundred and one of ten.
const MOST: f64 = 2.0;

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
        Contender::timed(name, herd)
    };
    Workload {
        name,
        contenders: vec![
            herd("1,000 wait", 1000),
            herd("100 wait", 100).goal(MOST),
            herd("10 wait", 10).goal(MOST),
            herd("1 waits", 1),
        ],
    }
}

/// What stands in the counts.
const ARRIVED: usize = 0;
const GONE: usize = 1;
const OVER: usize = 2;

/// What all of them have.
#[derive(Clone, Serialize, Deserialize)]
struct Field {
    /// For the rounds in turn, so that nobody goes twice; and that the last has gone.
    gates: Shared<[Event; 2]>,
    done: Shared<Event>,
    counts: SharedArray<u64>,
    size: u64,
}

struct Herd {
    field: Field,
    rounds: usize,
    crew: Option<Crew<()>>,
}

impl Herd {
    fn new(kind: Kind, size: u64) -> Self {
        let field = Field {
            gates: Shared::new(std::array::from_fn::<_, 2, _>(|_| Event::new()))
                .expect("a page of shared memory"),
            done: Shared::new(Event::new()).expect("a page of shared memory"),
            counts: SharedArray::zeroed(3).expect("a page of shared memory"),
            size,
        };
        let crew = Crew::start(kind, Field::graze, (0..size).map(|_| field.clone()));
        Herd { field, rounds: 0, crew: Some(crew) }
    }

    /// The time that it takes to release one of them, so many times.
    fn released(&mut self, times: u64) -> Duration {
        let size = self.field.size;
        let rounds = (times / size).max(1);
        let took: Duration = (0..rounds).map(|_| self.round()).sum();
        took.mul_f64(times as f64 / (rounds * size) as f64)
    }

    fn round(&mut self) -> Duration {
        let Field { gates, done, counts, size } = &self.field;
        let gate = &gates[self.rounds % 2];
        self.rounds += 1;
        while counts.get(ARRIVED).expect("it is there") < *size {
            thread::yield_now();
        }
        // The last of them are on their way to sleep.
        thread::sleep(Duration::from_millis(1));
        counts.set(ARRIVED, 0).expect("it is there");
        let start = Instant::now();
        gate.set();
        done.wait();
        let took = start.elapsed();
        gate.clear();
        done.clear();
        took
    }
}

impl Field {
    fn graze(self) {
        let count = |place, more| self.counts.fetch_add(place, more).expect("it is there");
        for round in 0.. {
            count(ARRIVED, 1);
            self.gates[round % 2].wait();
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
        self.field.counts.set(OVER, 1).expect("it is there");
        self.field.gates.iter().for_each(Event::set);
        self.crew.take().map(Crew::join);
    }
}
