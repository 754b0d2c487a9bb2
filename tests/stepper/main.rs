//! Kill at every instruction: what random kills do not find.
//!
//! In each case a process (the tracee) is stepped through one operation by ptrace, one instruction at
//! a time (a system call counts as one), and killed by SIGKILL after the n-th; for every n, with a
//! fresh fixture, with waiters that sleep until the operation is done, and in some cases with an
//! overtaker that takes what was released before a waiter does. Then the suite checks that:
//!
//! 1. no survivor hangs, although nobody completes the killed operation;
//! 2. nothing is corrupt: the operation was done wholly, or not at all, or its owner's death is reported;
//! 3. the primitive still works.
//!
//! `cargo test` kills at 40 points of each case, the same each time. At every instruction:
//!
//! ```text
//! MULTIPROC_STEPS=all cargo test --release --test stepper
//! ```
//!
//! (In a debug build an operation has some twenty times as many instructions.) `MULTIPROC_STEPS=500`
//! kills at 500 points of each case.
//!
//! The column "after a slice" counts the points after which a survivor was not woken, and went on only
//! when a slice of its wait had timed out. Under load it may count others that took as long. "Missed"
//! counts the points that the tracee did not reach, since it ran a loop fewer times than when it was
//! counted; it was killed at the end of its operation.
//!
//! As a control, the same is done to two locks that are known to hang: glibc's robust mutex, and one
//! that is not robust at all. The suite must find the hangs.
#![cfg(all(not(modelled), target_arch = "x86_64"))]

mod campaign;
mod cases;
mod path;
mod survivor;
mod tracee;
mod trial;

use std::io::{self, Write};
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::NOTHING;
use multiproc::Process;

use crate::campaign::{Campaign, Outcome, run};

/// Kill points of each case, unless `MULTIPROC_STEPS` says otherwise.
const SOME: u64 = 40;
/// Longer than anything takes that does not hang.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The timeout of the control, each of whose hangs takes it.
const CONTROL_TIMEOUT: Duration = Duration::from_secs(2);

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

/// Shows that the suite can fail: it must find the hangs of locks that are known to hang.
#[test]
fn control() {
    let outcomes =
        run_cases("control: ", CONTROL_TIMEOUT, if points().is_some() { 1 } else { u64::MAX });
    for (name, outcome) in outcomes {
        assert!(outcome.not_permitted || outcome.hangs > 0, "{name}: no hang was found");
    }
}

fn holds(prefix: &str) {
    for (name, outcome) in run_cases(prefix, TIMEOUT, 3) {
        let failures = outcome.hangs + outcome.corruptions;
        assert_eq!(failures, 0, "{name}: {outcome:?}");
    }
}

/// The number of kill points of each case; `None`: after every instruction.
fn points() -> Option<u64> {
    match std::env::var("MULTIPROC_STEPS").as_deref() {
        Ok("all") => None,
        Ok(number) => Some(number.parse().expect("MULTIPROC_STEPS is `all` or a number")),
        Err(_) => Some(SOME),
    }
}

/// Runs the cases whose names start with `prefix`, and prints a table of their outcomes.
fn run_cases(prefix: &str, timeout: Duration, hangs: u64) -> Vec<(&'static str, Outcome)> {
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
    for (case, &(name, _)) in cases::ALL.iter().enumerate() {
        if !name.starts_with(prefix) {
            continue;
        }
        // In a process with one thread, which may fork.
        let campaign = Campaign { case, points: points(), timeout, hangs };
        let mut outcome = Process::spawn(run, campaign).unwrap().join().unwrap();
        if outcome.not_permitted {
            say(
                "SKIPPED: nothing was stepped: the system does not let a process trace its child\n",
            );
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
    assert!(!outcomes.is_empty(), "no case is named {prefix}");
    say(&format!("\n{table}\n{details}"));
    outcomes
}

/// Writes to standard error, past the harness, which captures what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
