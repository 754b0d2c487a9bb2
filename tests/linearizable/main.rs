//! Linearizability of real runs: worker threads, and worker processes, use one primitive at the same
//! time, and log the result of each operation and the tickets of a shared clock before and after it.
//! Then an order of the operations is searched that keeps the order in time and explains every
//! result. If there is none, the primitive is not linearizable.
//!
//! The search is stateright's. `targets/` has a file for each primitive: its sequential model, and what
//! is not checked and why. As a control, some broken primitives must be found not to be linearizable.
//!
//! A race of a few instructions happens here only rarely: the models explore all of them, and this
//! suite checks what the models assume.
//!
//! `cargo test` records 25 histories of each primitive; more, with a table:
//!
//! ```text
//! MULTIPROC_HISTORIES=1000 cargo test --release --test linearizable -- --test-threads=1
//! ```
//!
//! `MULTIPROC_SEED` repeats the same operations; how they interleave is up to the machine.
#![cfg(not(modelled))]

mod history;
mod record;
mod targets;

#[path = "../support/workers.rs"]
mod workers;

use std::cell::Cell;
use std::io::{self, Write};
use std::time::Instant;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use multiproc::{
    BoundedSemaphore, Event, Lock, Queue, RLock, RobustSemaphore, Semaphore, SharedArray, Value,
};
use rand::rngs::StdRng;
use rand::{RngCore, SeedableRng};

use crate::history::{History, Prefix};
use crate::record::record;
use crate::targets::Target;
use crate::targets::broken::{ReadThenAdvance, ReadThenDecrement, TwoQueues};
use crate::workers::Kind;

/// Histories of each primitive and kind of worker, unless `MULTIPROC_HISTORIES` says otherwise.
const SOME: usize = 25;
/// Histories within which a broken primitive must be detected.
const ENOUGH: usize = 100;

#[test]
fn semaphore() {
    holds::<Semaphore>("semaphore");
}

#[test]
fn bounded_semaphore() {
    holds::<BoundedSemaphore>("bounded semaphore");
}

#[test]
fn robust_semaphore() {
    holds::<RobustSemaphore<2>>("robust semaphore");
}

#[test]
fn value() {
    holds::<Value<u64>>("value");
}

#[test]
fn rlock() {
    holds::<RLock<Cell<u64>>>("rlock");
}

#[test]
fn queue() {
    holds::<Queue<u64>>("queue");
}

#[test]
fn shared_array() {
    holds::<SharedArray<u64>>("shared array");
}

#[test]
fn event() {
    holds::<Event>("event");
}

#[test]
fn lock() {
    holds::<Lock<u64>>("lock");
}

/// Shows that the suite can fail.
#[test]
fn broken_primitives_are_detected() {
    is_detected::<TwoQueues>("a queue made of two");
    is_detected::<ReadThenAdvance>("a queue that reads its head, then advances it");
    is_detected::<ReadThenDecrement>("a semaphore that reads its value, then decrements it");
}

/// Records histories, which must all be linearizable, and prints a table.
fn holds<T: Target>(name: &str) {
    let histories = number("MULTIPROC_HISTORIES").map_or(SOME, |number| number as usize);
    let (mut rng, seed) = rng();
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "primitive",
        "workers",
        "histories",
        "operations",
        "overlapping",
        "linearizable",
        "seconds",
    ]);
    (2..7).for_each(|i| table.column_mut(i).unwrap().set_cell_alignment(CellAlignment::Right));
    for kind in [Kind::Threads, Kind::Processes] {
        let start = Instant::now();
        let recorded = record::<T>(kind, &mut rng, histories);
        let bad = bad(&recorded);
        let overlapping = recorded.iter().filter(|history| history.overlaps()).count();
        let operations: usize = recorded.iter().map(History::len).sum();
        let linearizable = recorded.len() - bad.len();
        let figures = [recorded.len(), operations, overlapping, linearizable];
        table.add_row(
            [name.to_owned(), kind.to_string()]
                .into_iter()
                .chain(figures.map(|figure| figure.to_string()))
                .chain([format!("{:.1}", start.elapsed().as_secs_f64())]),
        );
        assert!(bad.is_empty(), "{seed}\n{name}, {kind}: {}", describe(&bad, recorded.len()));
        assert!(overlapping * 4 > recorded.len(), "{seed}\n{name}: only {overlapping} overlap");
    }
    say(&format!("\n{table}\n{seed}\n"));
}

/// Records histories of a broken primitive, some of which must not be linearizable.
fn is_detected<T: Target>(name: &str) {
    let (mut rng, seed) = rng();
    for kind in [Kind::Threads, Kind::Processes] {
        let recorded = record::<T>(kind, &mut rng, ENOUGH);
        let bad = bad(&recorded);
        assert!(!bad.is_empty(), "{seed}\n{name}, {kind}: not detected within {ENOUGH}");
        say(&format!("\n{name}, {kind}: {}\n{seed}\n", describe(&bad, recorded.len())));
    }
}

/// The shortest prefix of each history that is not linearizable.
fn bad<T: Target>(recorded: &[History<T>]) -> Vec<Prefix<'_, T>> {
    recorded.iter().filter_map(History::shortest_invalid_prefix).collect()
}

fn describe<T: Target>(bad: &[Prefix<'_, T>], of: usize) -> String {
    match bad.iter().min_by_key(|prefix| prefix.ticks) {
        Some(shortest) => format!(
            "{} of {of} histories are not linearizable. No order explains:\n{shortest}",
            bad.len()
        ),
        None => format!("all {of} histories are linearizable"),
    }
}

/// The source of randomness, and how to repeat it.
fn rng() -> (StdRng, String) {
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    (StdRng::seed_from_u64(seed), format!("MULTIPROC_SEED={seed} repeats these operations"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("it is a number"))
}

/// Writes to standard error, past the harness, which captures what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
