//! What a pool's tasks cost: `cargo bench --bench pool`, with words to choose rows by.
//!
//! Medians of rounds, as a program that uses the crate sees them. Each row is a process of its own, with a
//! pool of its own; where it says so, on one processor. Compare only within a run, and on a machine that does
//! nothing else.

mod rows;

use std::env;
use std::fs;

use comfy_table::{CellAlignment, Table};
use multiproc::Process;
use rustix::thread::{CpuSet, sched_setaffinity};

/// What was measured, in the unit that the row names.
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) unit: &'static str,
    /// The most that we promise.
    pub(crate) goal: f64,
    /// How many processors it may use; 0 is all.
    pub(crate) processors: usize,
    pub(crate) measure: fn() -> f64,
}

/// In a child.
fn measure(name: String) -> f64 {
    let row = rows::ALL.iter().find(|row| row.name == name).expect("it is among the rows");
    if row.processors > 0 {
        let mut set = CpuSet::new();
        (0..row.processors).for_each(|processor| set.set(processor));
        sched_setaffinity(None, &set).expect("the processors are there");
    }
    (row.measure)()
}

fn main() {
    // cargo adds --bench.
    let wanted: Vec<_> = env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let mut table = Table::new();
    table.set_header(["what", "measured", "unit", "goal"]);
    table.column_mut(1).expect("set above").set_cell_alignment(CellAlignment::Right);
    for row in rows::ALL {
        if !wanted.is_empty() && !wanted.iter().any(|word| row.name.contains(word.as_str())) {
            continue;
        }
        eprintln!("{} …", row.name);
        let measured = Process::spawn(measure, row.name.to_owned())
            .expect("a child")
            .join()
            .expect("it is measured");
        let met = if measured <= row.goal { "met" } else { "missed" };
        table.add_row([
            row.name.to_owned(),
            format!("{measured:.2}"),
            row.unit.to_owned(),
            format!("≤ {}: {met}", row.goal),
        ]);
    }
    println!("{table}");
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load of the machine, average of a minute: {}", load.split(' ').next().unwrap_or("?"));
}
