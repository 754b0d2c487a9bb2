//! Replays the teaching notebook: sixteen scenarios of processes and threads, each on real
//! processes and real threads, each ending with a verdict that is measured while it plays.
//!
//! `scenarios/` has a scenario in each file, written as an example. `supervise/` plays each in a process
//! of its own, prints their transcripts in the notebook's order, and ends them all when it is told to.

mod cli;
mod scenario;
mod scenarios;
mod settings;
mod supervise;
mod verdict;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::scenario::Scenario;
use crate::scenarios::SCENARIOS;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let settings = cli.settings();
    match (cli.supervisor, cli.scenarios.as_slice()) {
        _ if cli.list => list(),
        (Some(supervisor), [scenario]) => supervise::play(scenario, settings, supervisor),
        (_, []) => supervise::supervise(&SCENARIOS.iter().collect::<Vec<_>>(), settings),
        (_, chosen) => supervise::supervise(chosen, settings),
    }
}

fn list() -> ExitCode {
    let width = SCENARIOS.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for Scenario { name, about, .. } in SCENARIOS {
        // A reader that has read enough closes the pipe: that is no failure.
        if writeln!(out, "{name:width$}  {about}").is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
