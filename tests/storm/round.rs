//! One round: a fresh scene, so many kills, and the balance.

use std::thread::yield_now;
use std::time::{Duration, Instant};

use multiproc::{Process, ProcessError};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use crate::Figures;
use crate::station::{Book, Station, WORKERS};
use crate::stations::stations;

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(120);

/// Looks at the book before those are stirred who may wait for each other.
const PATIENCE: u32 = 20;

struct Round {
    stations: Vec<Box<dyn Station>>,
    book: Book,
}

/// Gives the figures of each station, and the time that passed after each kill until somebody got on.
pub(crate) fn round(number: u64, kills: u64, rng: &mut StdRng) -> (Vec<Figures>, Vec<Duration>) {
    let stations = stations(number);
    let round = Round { book: Book::new(stations.len()), stations };
    let mut deaths = vec![0; round.stations.len()];
    let mut stalls = Vec::new();
    let mut workers: Vec<_> = (0..WORKERS).map(|n| round.start(n, rng.next_u64())).collect();
    for _ in 0..kills {
        // So many visits later, and a moment that is none of theirs.
        round.wait_for(rng.random_range(0..16));
        (0..rng.random_range(0..2000)).for_each(|_| std::hint::spin_loop());
        let victim = rng.random_range(0..WORKERS);
        workers[victim].kill().unwrap();
        let killed = Instant::now();
        match workers[victim].join() {
            Err(ProcessError::Signaled(_)) => {}
            ended => panic!("a worker has not waited for its end: {ended:?}"),
        }
        if let Some(station) = round.book.bury(victim) {
            deaths[station] += 1;
            round.stations[station].bury(victim);
        }
        round.wait_for(1);
        stalls.push(killed.elapsed());
        workers[victim] = round.start(victim, rng.next_u64());
    }
    round.end(&workers);
    (round.figures(&deaths), stalls)
}

impl Round {
    fn start(&self, worker: usize, seed: u64) -> Process<()> {
        // A daemon: it goes with a judge that fails.
        let started = Process::builder().daemon(true).fork(|| self.work(worker, seed));
        started.unwrap()
    }

    fn work(&self, worker: usize, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        while !self.book.is_over() {
            let station = rng.random_range(0..self.stations.len());
            self.book.enter(worker, station);
            let done = self.stations[station].visit(worker, &mut rng);
            self.book.leave(worker, station, done);
        }
    }

    /// Waits until so many more visits are done: whoever keeps the others from them is found here.
    fn wait_for(&self, visits: u64) {
        let goal = self.book.visits() + visits;
        self.patiently("nobody gets on", || self.book.visits() >= goal);
    }

    fn end(&self, workers: &[Process<()>]) {
        self.book.end();
        self.stations.iter().for_each(|station| station.close());
        for worker in workers {
            self.patiently("a worker does not end", || !worker.is_alive());
            worker.join().unwrap();
        }
    }

    fn patiently(&self, or_else: &str, done: impl Fn() -> bool) {
        let deadline = Instant::now() + EVER;
        while !(0..PATIENCE).any(|_| {
            done() || {
                yield_now();
                false
            }
        }) {
            self.stations.iter().for_each(|station| station.stir());
            if Instant::now() > deadline {
                let places: Vec<_> = (0..WORKERS).map(|n| self.place(n)).collect();
                panic!("hung: {or_else}; the workers are at {places:?}");
            }
        }
    }

    fn place(&self, worker: usize) -> &'static str {
        self.book.bury(worker).map_or("none", |station| self.stations[station].name())
    }

    fn figures(&self, deaths: &[u64]) -> Vec<Figures> {
        let figures = self.stations.iter().zip(deaths).enumerate();
        let figures = figures.map(|(number, (station, &deaths))| {
            let uses = self.book.visits_of(number);
            let balance = station.balance(uses, deaths);
            let name = station.name().to_owned();
            Figures { name, uses, deaths, reported: balance.reported, lost: balance.lost }
        });
        figures.collect()
    }
}
