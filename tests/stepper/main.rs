//! Kill at every instruction: what random kills do not find.
//!
//! For each scene: a victim is stepped by ptrace through one operation, instruction by instruction
//! (a system call is one), and killed by SIGKILL at the n-th; for every n, in a fresh scene, with
//! others asleep that wait for what the victim would do, and a third party that comes in between.
//! Then:
//!
//! 1. nobody hangs: whoever slept goes on, though nobody does the dead one's work;
//! 2. nothing is corrupt: what was done is done wholly, or not at all, or is reported;
//! 3. the scene is usable after it.
//!
//! `cargo test` kills at some points of each scene, the same each time. At every instruction:
//!
//! ```text
//! MULTIPROC_STEPS=all cargo test --release --test stepper
//! ```
//!
//! (In a debug build an operation has some twenty times as many instructions.) `MULTIPROC_STEPS=500` kills at 500 points of each scene.
//!
//! "After a slice" counts the points after which someone went on only when a slice of its wait had
//! ended, by itself, where no wake came. Under load it may count others that took as long. "Missed" counts those
//! that the victim did not come to, since it took fewer turns in a loop than when it was counted;
//! it was killed at the end of its operation.
//!
//! As a control, locks that are known to hang are put to the same: glibc's robust mutex, and one
//! that is not robust at all. The instrument must find that they do.
#![cfg(all(not(modelled), target_arch = "x86_64"))]

mod campaign;
mod companion;
mod cut;
mod path;
mod scenes;
mod victim;

use std::io::{self, Write};
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use multiproc::Process;

use crate::campaign::{Campaign, Outcome, run};

/// Points of each scene, when not every one is asked for.
const SOME: u64 = 40;
/// Only someone who waits for ever waits so long.
const LONG: Duration = Duration::from_secs(60);
/// The same for those that are known to: each hang costs it.
const NOT_SO_LONG: Duration = Duration::from_secs(2);

#[test]
fn lock() {
    holds("lock: ");
}

#[test]
fn semaphore() {
    holds("semaphore: ");
}

#[test]
fn robust_semaphore() {
    holds("robust: ");
}

#[test]
fn event() {
    holds("event: ");
}

#[test]
fn rlock() {
    holds("rlock: ");
}

#[test]
fn condition() {
    holds("condition: ");
}

#[test]
fn barrier() {
    holds("barrier: ");
}

#[test]
fn queue() {
    holds("queue: ");
}

#[test]
fn shared_array() {
    holds("array: ");
}

#[test]
fn pool() {
    holds("pool: ");
}

/// An instrument that finds nothing where there is something is none.
#[test]
fn control() {
    let outcomes = play("control: ", NOT_SO_LONG, if points().is_some() { 1 } else { u64::MAX });
    for (name, outcome) in outcomes {
        assert!(outcome.not_permitted || outcome.hangs > 0, "{name}: no hang was found");
    }
}

fn holds(prefix: &str) {
    for (name, outcome) in play(prefix, LONG, 3) {
        let harmed = outcome.hangs + outcome.corruptions;
        assert_eq!(harmed, 0, "{name}: {outcome:?}");
    }
}

/// At how many points of each scene to kill; `None`: at every one.
fn points() -> Option<u64> {
    match std::env::var("MULTIPROC_STEPS").as_deref() {
        Ok("all") => None,
        Ok(number) => Some(number.parse().expect("MULTIPROC_STEPS is `all` or a number")),
        Err(_) => Some(SOME),
    }
}

/// Plays the scenes whose names begin so, and prints a table of what came of them.
fn play(prefix: &str, patience: Duration, hangs: u64) -> Vec<(&'static str, Outcome)> {
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "killed in",
        "instructions",
        "points",
        "hangs",
        "corruptions",
        "after a slice",
        "missed",
    ]);
    let (mut outcomes, mut details) = (Vec::new(), String::new());
    for (scene, &(name, _)) in scenes::ALL.iter().enumerate() {
        if !name.starts_with(prefix) {
            continue;
        }
        // A process of one thread, whose forks have all they need.
        let campaign = Campaign { scene, points: points(), patience, hangs };
        let mut outcome = Process::spawn(run, campaign).unwrap().join().unwrap();
        if outcome.not_permitted {
            say("NOTHING WAS STEPPED: the system does not let a process trace its child\n");
        }
        let figures = [
            outcome.instructions,
            outcome.points,
            outcome.hangs,
            outcome.corruptions,
            outcome.late,
            outcome.missed,
        ];
        table.add_row([name.to_owned()].into_iter().chain(figures.map(|n| n.to_string())));
        for line in outcome.take_details() {
            details += &format!("  {name}: {line}\n");
        }
        outcomes.push((name, outcome));
    }
    assert!(!outcomes.is_empty(), "no scene is named {prefix}");
    say(&format!("\n{table}\n{details}"));
    outcomes
}

/// Past the harness, which keeps what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
