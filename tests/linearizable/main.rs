//! Linearizability, of what really ran: threads, and processes, use one primitive at the same time
//! and note what came of each operation, and between which tickets of a shared clock. Then an order
//! of the operations is looked for, one step each, that keeps what came after what and explains
//! every result. Where there is none, the primitive is not what it promises to be.
//!
//! The search is stateright's; what each primitive promises is in `subjects/`, a file each, which
//! also says what is not checked and why. As a control, some that only seem to work must be caught.
//!
//! A race that is a matter of a few instructions is met here only now and then: that every one is met
//! is what the models are for, and that what they assume is so is what this is for.
//!
//! `cargo test` records some histories of each primitive; more, with a table:
//!
//! ```text
//! MULTIPROC_HISTORIES=1000 cargo test --release --test linearizable -- --test-threads=1
//! ```
//!
//! `MULTIPROC_SEED` has the same operations done again; how they meet is the machine's choice.
#![cfg(not(modelled))]

mod crew;
mod history;
mod subjects;

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

use crate::crew::{Crew, record};
use crate::history::{Beginning, History};
use crate::subjects::Subject;
use crate::subjects::broken::{LooksThenSteps, LooksThenTakes, TwoLanes};

/// Of each primitive, with each crew, when no other number is asked for.
const SOME: usize = 25;
/// A broken one is caught within so many.
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

/// A test that finds nothing where there is something is none.
#[test]
fn broken_ones_are_caught() {
    is_caught::<TwoLanes>("a queue of two lanes");
    is_caught::<LooksThenSteps>("a queue that looks, then steps");
    is_caught::<LooksThenTakes>("a semaphore that looks, then takes");
}

/// Records histories of a sound one, and prints a table of them.
fn holds<S: Subject>(name: &str) {
    let histories = number("MULTIPROC_HISTORIES").map_or(SOME, |number| number as usize);
    let (mut rng, seed) = rng();
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "primitive",
        "actors",
        "histories",
        "operations",
        "overlapping",
        "linearizable",
        "seconds",
    ]);
    (2..7).for_each(|i| table.column_mut(i).unwrap().set_cell_alignment(CellAlignment::Right));
    for crew in [Crew::Threads, Crew::Processes] {
        let start = Instant::now();
        let recorded = record::<S>(crew, &mut rng, histories);
        let bad = bad(&recorded);
        let overlapping = recorded.iter().filter(|history| history.overlaps()).count();
        let operations: usize = recorded.iter().map(History::len).sum();
        let linearizable = recorded.len() - bad.len();
        let figures = [recorded.len(), operations, overlapping, linearizable];
        table.add_row(
            [name.to_owned(), crew.to_string()]
                .into_iter()
                .chain(figures.map(|figure| figure.to_string()))
                .chain([format!("{:.1}", start.elapsed().as_secs_f64())]),
        );
        assert!(bad.is_empty(), "{seed}\n{name}, {crew}: {}", told(&bad, recorded.len()));
        assert!(overlapping * 4 > recorded.len(), "{seed}\n{name}: only {overlapping} overlap");
    }
    say(&format!("\n{table}\n{seed}\n"));
}

/// Records histories of a broken one, some of which must show that it is.
fn is_caught<S: Subject>(name: &str) {
    let (mut rng, seed) = rng();
    for crew in [Crew::Threads, Crew::Processes] {
        let recorded = record::<S>(crew, &mut rng, ENOUGH);
        let bad = bad(&recorded);
        assert!(!bad.is_empty(), "{seed}\n{name}, {crew}: not caught within {ENOUGH}");
        say(&format!("\n{name}, {crew}: {}\n{seed}\n", told(&bad, recorded.len())));
    }
}

/// What no order explains.
fn bad<S: Subject>(recorded: &[History<S>]) -> Vec<Beginning<'_, S>> {
    recorded.iter().filter_map(History::shortest_bad).collect()
}

fn told<S: Subject>(bad: &[Beginning<'_, S>], of: usize) -> String {
    match bad.iter().min_by_key(|beginning| beginning.ticks) {
        Some(shortest) => format!(
            "{} of {of} histories are not linearizable. No order explains:\n{shortest}",
            bad.len()
        ),
        None => format!("all {of} histories are linearizable"),
    }
}

/// Where chance comes from, and how to have the same again.
fn rng() -> (StdRng, String) {
    let seed = number("MULTIPROC_SEED").unwrap_or_else(|| rand::rng().next_u64());
    (StdRng::seed_from_u64(seed), format!("MULTIPROC_SEED={seed} has the same operations done"))
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().expect("it is a number"))
}

/// Past the harness, which keeps what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}
