//! One round: fresh targets, a number of kills, and the checks at the end.

use std::thread::yield_now;
use std::time::{Duration, Instant};

use multiproc::{Process, ProcessError};
use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

use crate::Figures;
use crate::progress::Progress;
use crate::target::{Target, WORKERS};
use crate::targets::targets;

/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(120);

/// How often a condition is polled before workers that may wait for each other are unblocked.
const POLLS: u32 = 20;

struct Round {
    targets: Vec<Box<dyn Target>>,
    progress: Progress,
}

/// Returns the figures of each target, and for each kill the time until the next use ended.
pub(crate) fn round(number: u64, kills: u64, rng: &mut StdRng) -> (Vec<Figures>, Vec<Duration>) {
    let targets = targets(number);
    let round = Round { progress: Progress::new(targets.len()), targets };
    let mut deaths = vec![0; round.targets.len()];
    let mut stalls = Vec::new();
    let mut workers: Vec<_> = (0..WORKERS).map(|n| round.start(n, rng.next_u64())).collect();
    for _ in 0..kills {
        // After some uses, and a delay that is independent of them.
        round.wait_for_uses(rng.random_range(0..16));
        (0..rng.random_range(0..2000)).for_each(|_| std::hint::spin_loop());
        let killed = rng.random_range(0..WORKERS);
        workers[killed].kill().unwrap();
        let killed_at = Instant::now();
        match workers[killed].join() {
            Err(ProcessError::Signaled(_)) => {}
            ended => panic!("a worker ended before it was killed: {ended:?}"),
        }
        if let Some(target) = round.progress.interrupted(killed) {
            deaths[target] += 1;
            round.targets[target].repair_after(killed);
        }
        round.wait_for_uses(1);
        stalls.push(killed_at.elapsed());
        workers[killed] = round.start(killed, rng.next_u64());
    }
    round.end(&workers);
    (round.figures(&deaths), stalls)
}

impl Round {
    fn start(&self, worker: usize, seed: u64) -> Process<()> {
        // A daemon, so that it is ended with this process if a check fails.
        let started = Process::builder().daemon(true).fork(|| self.work(worker, seed));
        started.unwrap()
    }

    fn work(&self, worker: usize, seed: u64) {
        let mut rng = StdRng::seed_from_u64(seed);
        while !self.progress.is_stopped() {
            let target = rng.random_range(0..self.targets.len());
            self.progress.begin(worker, target);
            let counts = self.targets[target].use_once(worker, &mut rng);
            self.progress.end(worker, target, counts);
        }
    }

    /// Waits until so many more uses have ended: if the workers hang, this finds it.
    fn wait_for_uses(&self, uses: u64) {
        let goal = self.progress.uses() + uses;
        self.wait_until("no use ends", || self.progress.uses() >= goal);
    }

    fn end(&self, workers: &[Process<()>]) {
        self.progress.stop();
        self.targets.iter().for_each(|target| target.close());
        for worker in workers {
            self.wait_until("a worker does not end", || !worker.is_alive());
            worker.join().unwrap();
        }
    }

    fn wait_until(&self, or_else: &str, done: impl Fn() -> bool) {
        let deadline = Instant::now() + TIMEOUT;
        while !(0..POLLS).any(|_| {
            done() || {
                yield_now();
                false
            }
        }) {
            self.targets.iter().for_each(|target| target.unblock());
            if Instant::now() > deadline {
                let in_use: Vec<_> = (0..WORKERS).map(|n| self.in_use_by(n)).collect();
                panic!("hung: {or_else}; the workers use {in_use:?}");
            }
        }
    }

    fn in_use_by(&self, worker: usize) -> &'static str {
        self.progress.interrupted(worker).map_or("none", |target| self.targets[target].name())
    }

    fn figures(&self, deaths: &[u64]) -> Vec<Figures> {
        let figures = self.targets.iter().zip(deaths).enumerate();
        let figures = figures.map(|(number, (target, &deaths))| {
            let uses = self.progress.uses_of(number);
            let damage = target.check(uses, deaths);
            let name = target.name().to_owned();
            Figures { name, uses, deaths, reported: damage.reported, lost: damage.lost }
        });
        figures.collect()
    }
}
