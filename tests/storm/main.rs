//! A storm: workers that use every primitive at once, and are killed at random.
//!
//! After each round everything must balance:
//!
//! 1. nobody hangs: the workers get on after each kill, and all go home at the end;
//! 2. nothing is torn or doubled, and a value that a dead one may have left half done is reported;
//! 3. nothing is lost but what the dead had in hand: of messages, one for each that was killed at
//!    the queue.
//!
//! A seed gives who is killed when; the harness prints it.
//!
//! ```text
//! MULTIPROC_SEED=42 cargo test --test storm             # replays that storm
//! MULTIPROC_KILLS=100000 cargo test --release --test storm -- --nocapture
//! ```
#![cfg(not(modelled))]

mod round;
mod station;
mod stations;

use std::io::{self, Write};
use std::time::{Duration, Instant};

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use multiproc::Process;
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::round::round;

/// Kills when none are asked for.
const SOME: u64 = 500;

/// Kills of one round: each has a fresh scene.
const OF_A_ROUND: u64 = 125;

/// Between two lines that tell how far it has come.
const NEWS: Duration = Duration::from_secs(10);

/// What the storm did to one kind of primitive.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(crate) struct Figures {
    pub(crate) name: String,
    /// Uses that were brought to their end.
    pub(crate) uses: u64,
    /// Workers that were killed in the middle of one.
    pub(crate) deaths: u64,
    /// Deaths that the next user was told of.
    pub(crate) reported: u64,
    /// What the dead had in hand, and nobody has got.
    pub(crate) lost: u64,
}

#[derive(Default, Debug, Serialize, Deserialize)]
struct Outcome {
    figures: Vec<Figures>,
    /// The longest time in which nobody got on, once for each kill.
    stalls: Vec<Duration>,
    took: Duration,
}

#[test]
fn a_storm_of_kills_leaves_everything_whole() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    let kills = number("MULTIPROC_KILLS").unwrap_or(SOME);
    say(&format!("MULTIPROC_SEED={seed} replays this storm of {kills} kills\n"));
    // A process of one thread, whose forks cost little.
    let storm = Process::spawn(rage, (seed, kills)).unwrap();
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
         the next use brought to its end: median {:.1?}, 99.9 % {:.1?}, longest {:.1?}\n",
        outcome.took,
        outcome.took / kills.max(1) as u32,
        stall(500),
        stall(999),
        stall(1000),
    ));
}

/// Runs in a process of its own.
fn rage((seed, kills): (u64, u64)) -> Outcome {
    let mut rng = StdRng::seed_from_u64(seed);
    let start = Instant::now();
    let (mut outcome, mut done, mut news) = (Outcome::default(), 0, start);
    for number in 0..kills.div_ceil(OF_A_ROUND) {
        let of_this = OF_A_ROUND.min(kills - done);
        let (figures, stalls) = round(number, of_this, &mut rng);
        outcome.add(figures);
        outcome.stalls.extend(stalls);
        done += of_this;
        if news.elapsed() > NEWS {
            news = Instant::now();
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

/// Past the harness, which keeps what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
