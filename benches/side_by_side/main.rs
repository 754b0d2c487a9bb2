//! The primitives compared with other implementations: `cargo bench`.
//!
//! The implementations of a workload run in alternation within each round, so that a machine that
//! changes its speed or is shared affects all of them alike. The table has medians over the rounds, and
//! our time as a ratio to each implementation's. Only ratios within one run are comparable. A second
//! table has the time from an owner's death to the next owner.

mod bulk;
mod fairness;
mod herd;
mod lock;
mod pthread;
mod queue;
mod recovery;
mod semaphore;
mod starts;

#[path = "../../tests/support/workers.rs"]
mod workers;

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::workers::{Kind, Workers};

/// The number of rounds of each workload.
const ROUNDS: usize = 101;

/// About how long one sample of one implementation takes.
const SAMPLE: Duration = Duration::from_millis(4);

/// One implementation of a workload's operation.
pub(crate) struct Implementation {
    name: &'static str,
    /// Performs the operation so many times, and returns how long that took.
    run: Box<dyn FnMut(u64) -> Duration>,
    /// The largest ratio of our time to this implementation's that we promise.
    goal: Option<f64>,
}

impl Implementation {
    /// One that is timed around a plain loop.
    pub(crate) fn looped<R>(name: &'static str, mut once: impl FnMut() -> R + 'static) -> Self {
        Self::timed(name, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                std::hint::black_box(once());
            }
            start.elapsed()
        })
    }

    /// One that times itself.
    pub(crate) fn timed(name: &'static str, run: impl FnMut(u64) -> Duration + 'static) -> Self {
        Implementation { name, run: Box::new(run), goal: None }
    }

    /// Sets the largest ratio of our time to this implementation's that we promise.
    pub(crate) fn goal(mut self, most: f64) -> Self {
        self.goal = Some(most);
        self
    }
}

/// An operation, and its implementations: the first is ours.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) implementations: Vec<Implementation>,
}

fn main() {
    // Started by what is measured in `starts`.
    if std::env::args().nth(1).as_deref() == Some(starts::NOTHING) {
        return;
    }
    // `cargo bench -- lock` runs the workloads whose names contain "lock"; cargo adds --bench.
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let mut table = Table::new();
    table.set_header(["workload", "implementation", "ns each", "ours / theirs", "goal"]);
    for column in 2..5 {
        table.column_mut(column).expect("set above").set_cell_alignment(CellAlignment::Right);
    }
    let is_wanted =
        |name: &str| wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str()));
    let workloads = [
        lock::uncontended(),
        semaphore::uncontended(),
        semaphore::contended(),
        queue::one_to_one(),
        bulk::one_to_one(),
        herd::of_threads(),
        herd::of_processes(),
        starts::fork_server(),
        starts::fork_server_of_much(),
        starts::fork(),
        starts::spawn(),
        starts::thread(),
    ];
    for workload in workloads {
        if is_wanted(workload.name) {
            run(workload, &mut table);
        }
    }
    if !table.is_empty() {
        println!("{table}");
    }
    if is_wanted("fairness") {
        fairness::run();
    }
    if is_wanted(recovery::NAME) {
        println!("{}", recovery::table());
    }
}

fn run(mut workload: Workload, table: &mut Table) {
    eprintln!("{} …", workload.name);
    let times: Vec<u64> = workload.implementations.iter_mut().map(iterations).collect();
    let mut nanos = vec![Vec::with_capacity(ROUNDS); times.len()];
    for _ in 0..ROUNDS {
        for ((implementation, &times), nanos) in
            workload.implementations.iter_mut().zip(&times).zip(&mut nanos)
        {
            nanos.push((implementation.run)(times).as_nanos() as f64 / times as f64);
        }
    }
    let ours = nanos[0].clone();
    for (implementation, theirs) in workload.implementations.iter().zip(&nanos) {
        // The ratio of each round, since a disturbance affects both.
        let ratio = median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect());
        let goal = implementation.goal.map_or(String::new(), |most| {
            format!("≤ {most}: {}", if ratio <= most { "met" } else { "missed" })
        });
        table.add_row([
            workload.name.to_owned(),
            implementation.name.to_owned(),
            format!("{:.2}", median(theirs.clone())),
            format!("{ratio:.2}"),
            goal,
        ]);
    }
}

/// The number of iterations in a sample. The fastest of three counts, since the machine may be shared.
fn iterations(implementation: &mut Implementation) -> u64 {
    let mut times = 1;
    while (0..3).map(|_| (implementation.run)(times)).min() < Some(SAMPLE / 2) {
        times *= 2;
    }
    times
}

/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(300);

/// Starts a worker for each argument.
pub(crate) fn start<A, R>(
    kind: Kind,
    body: fn(A) -> R,
    arguments: impl Iterator<Item = A>,
) -> Workers<R>
where
    A: Serialize + DeserializeOwned + Send + 'static,
    R: Serialize + DeserializeOwned + Send + 'static,
{
    match kind {
        Kind::Threads => Workers::threads(body, arguments),
        Kind::Processes => {
            // A process needs two descriptors in its parent.
            let limit = getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
                .expect("the soft limit may be raised to the hard limit");
            Workers::processes(body, arguments)
        }
    }
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
