//! A storm: worker processes use all primitives at once, and are killed at random.
//!
//! Each round starts with fresh targets, kills many workers, and then checks that:
//!
//! 1. no worker hangs: uses go on after each kill, and all workers end at the end of the round;
//! 2. nothing is torn or delivered twice, and a value that may be half written is reported;
//! 3. nothing is lost except what a killed worker was using: of messages, one for each that was
//!    killed in a queue operation.
//!
//! A seed determines which worker is killed when; the test prints it.
//!
//! ```text
//! MULTIPROC_SEED=42 cargo test --test storm             # replays that storm
//! MULTIPROC_KILLS=100000 cargo test --release --test storm -- --nocapture
//! ```
#![cfg(not(modelled))]

mod progress;
mod round;
mod target;
mod targets;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use multiproc::Process;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::round::round;

/// The number of kills, unless `MULTIPROC_KILLS` says otherwise.
const SOME: u64 = 500;

/// The number of kills in one round.
const PER_ROUND: u64 = 125;

/// The time between two lines of progress.
const REPORT: Duration = Duration::from_secs(10);

/// The counts for one kind of primitive.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) name: String,
    /// Uses that ended.
    pub(crate) uses: u64,
    /// Workers that were killed in the middle of a use.
    pub(crate) deaths: u64,
    /// Deaths that were reported to the next user.
    pub(crate) reported: u64,
    /// Messages or permits that were lost with a killed worker.
    pub(crate) lost: u64,
}

#[derive(Default, Debug, Serialize, Deserialize)]
struct Outcome {
    figures: Vec<Figures>,
    /// For each kill, the time until the next use ended.
    stalls: Vec<Duration>,
    took: Duration,
}

#[test]
fn a_storm_of_kills_leaves_everything_whole() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    let kills = number("MULTIPROC_KILLS").unwrap_or(SOME);
    say(&format!("MULTIPROC_SEED={seed} replays this storm of {kills} kills\n"));
    // In a process with one thread, where a fork is cheap.
    let storm = Process::spawn(run, (seed, kills)).unwrap();
    let mut outcome = storm.join().unwrap_or_else(|error| panic!("MULTIPROC_SEED={seed}: {error}"));
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["killed at", "uses", "deaths", "reported", "lost"]);
    for column in 1..5 {
        table.column_mut(column).unwrap().set_cell_alignment(CellAlignment::Right);
    }
    for figures in &outcome.figures {
        let numbers = [figures.uses, figures.deaths, figures.reported, figures.lost];
        table.add_row([figures.name.clone()].into_iter().chain(numbers.map(|n| n.to_string())));
    }
    outcome.stalls.sort();
    let stall = |share: usize| outcome.stalls[(outcome.stalls.len() - 1) * share / 1000];
    say(&format!(
        "\n{table}\nseed {seed}: {kills} kills in {:.1?}, {:.2?} each, nobody hung; from a kill to \
         the end of the next use: median {:.1?}, 99.9 % {:.1?}, longest {:.1?}\n",
        outcome.took,
        outcome.took / kills.max(1) as u32,
        stall(500),
        stall(999),
        stall(1000),
    ));
}

/// Runs in a process of its own.
fn run((seed, kills): (u64, u64)) -> Outcome {
    let mut rng = StdRng::seed_from_u64(seed);
    let start = Instant::now();
    let (mut outcome, mut done, mut reported) = (Outcome::default(), 0, start);
    for number in 0..kills.div_ceil(PER_ROUND) {
        let in_round = PER_ROUND.min(kills - done);
        let (figures, stalls) = round(number, in_round, &mut rng);
        outcome.add(figures);
        outcome.stalls.extend(stalls);
        done += in_round;
        if reported.elapsed() > REPORT {
            reported = Instant::now();
            say(&format!("{done} of {kills} kills in {:.0?}\n", start.elapsed()));
        }
    }
    outcome.took = start.elapsed();
    outcome
}

impl Outcome {
    fn add(&mut self, figures: Vec<Figures>) {
        for more in figures {
            match self.figures.iter_mut().find(|all| all.name == more.name) {
                Some(all) => {
                    all.uses += more.uses;
                    all.deaths += more.deaths;
                    all.reported += more.reported;
                    all.lost += more.lost;
                }
                None => self.figures.push(more),
            }
        }
    }
}

/// Writes to standard error, past the harness, which captures what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
