//! The primitives beside their peers: `cargo bench`.
//!
//! The contenders of a workload take turns within each round, so that a machine that drifts or is
//! shared wrongs all of them alike; the table gives medians over the rounds, and each contender's
//! time as a ratio to ours. Only ratios within one run mean anything. A second table says how long it
//! takes from an owner's death to the next owner.

mod crew;
mod fairness;
mod herd;
mod lock;
mod pthread;
mod queue;
mod recovery;
mod semaphore;

use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table};

/// Rounds that each workload is played.
const ROUNDS: usize = 101;

/// How long one turn of one contender takes, about.
const TURN: Duration = Duration::from_millis(4);

/// Something that is done many times, by one of several who do the same.
pub(crate) struct Contender {
    name: &'static str,
    /// Does it that many times, and says how long that took.
    run: Box<dyn FnMut(u64) -> Duration>,
    /// The most that our time may be, as a ratio to this contender's.
    goal: Option<f64>,
}

impl Contender {
    /// A contender that is timed around a plain loop.
    pub(crate) fn looped<R>(name: &'static str, mut once: impl FnMut() -> R + 'static) -> Self {
        Self::timed(name, move |times| {
            let start = Instant::now();
            for _ in 0..times {
                std::hint::black_box(once());
            }
            start.elapsed()
        })
    }

    /// A contender that times itself.
    pub(crate) fn timed(name: &'static str, run: impl FnMut(u64) -> Duration + 'static) -> Self {
        Contender { name, run: Box::new(run), goal: None }
    }

    /// States what we promise against this contender.
    pub(crate) fn goal(mut self, most: f64) -> Self {
        self.goal = Some(most);
        self
    }
}

/// A workload, the first of its contenders being ours.
pub(crate) struct Workload {
    pub(crate) name: &'static str,
    pub(crate) contenders: Vec<Contender>,
}

fn main() {
    // `cargo bench -- lock` plays the workloads whose name has "lock" in it; cargo adds --bench.
    let wanted: Vec<_> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let mut table = Table::new();
    table.set_header(["workload", "contender", "ns each", "ours / theirs", "goal"]);
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
        herd::of_threads(),
        herd::of_processes(),
    ];
    for workload in workloads {
        if is_wanted(workload.name) {
            play(workload, &mut table);
        }
    }
    if !table.is_empty() {
        println!("{table}");
    }
    if is_wanted("fairness") {
        fairness::play();
    }
    if is_wanted(recovery::NAME) {
        println!("{}", recovery::table());
    }
}

fn play(mut workload: Workload, table: &mut Table) {
    eprintln!("{} …", workload.name);
    let times: Vec<u64> = workload.contenders.iter_mut().map(fitting).collect();
    let mut nanos = vec![Vec::with_capacity(ROUNDS); times.len()];
    for _ in 0..ROUNDS {
        for ((contender, &times), nanos) in
            workload.contenders.iter_mut().zip(&times).zip(&mut nanos)
        {
            nanos.push((contender.run)(times).as_nanos() as f64 / times as f64);
        }
    }
    let ours = nanos[0].clone();
    for (contender, theirs) in workload.contenders.iter().zip(&nanos) {
        // The ratio of each round, since what disturbs a round disturbs both.
        let ratio = median(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect());
        let goal = contender.goal.map_or(String::new(), |most| {
            format!("≤ {most}: {}", if ratio <= most { "met" } else { "missed" })
        });
        table.add_row([
            workload.name.to_owned(),
            contender.name.to_owned(),
            format!("{:.2}", median(theirs.clone())),
            format!("{ratio:.2}"),
            goal,
        ]);
    }
}

/// How many times the contender does it in a turn. The best of three counts: a single look at a
/// shared machine may see anything.
fn fitting(contender: &mut Contender) -> u64 {
    let mut times = 1;
    while (0..3).map(|_| (contender.run)(times)).min() < Some(TURN / 2) {
        times *= 2;
    }
    times
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}
