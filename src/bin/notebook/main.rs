//! Replays the teaching notebook: sixteen scenarios of processes and threads, each on real
//! processes and real threads, each ending with a verdict that is measured while it plays.
//!
//! `scenarios/` is what to read: a scenario a file, written as an example. The rest plays them:
//! `conduct/` starts each in a process of its own, prints what they say in the notebook's order,
//! and ends them all when it is told to.

mod cli;
mod conduct;
mod scenario;
mod scenarios;
mod stage;
mod verdict;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;

use crate::cli::Cli;
use crate::scenario::Scenario;
use crate::scenarios::SCENARIOS;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let stage = cli.stage();
    match (cli.played_for, cli.scenarios.as_slice()) {
        _ if cli.list => list(),
        (Some(conductor), [scenario]) => conduct::play(scenario, stage, conductor),
        (_, []) => conduct::conduct(&SCENARIOS.iter().collect::<Vec<_>>(), stage),
        (_, chosen) => conduct::conduct(chosen, stage),
    }
}

fn list() -> ExitCode {
    let width = SCENARIOS.iter().map(|scenario| scenario.name.len()).max().unwrap_or(0);
    let mut out = io::stdout().lock();
    for Scenario { name, about, .. } in SCENARIOS {
        // Who has read enough closes the pipe: that is no failure of the list.
        if writeln!(out, "{name:width$}  {about}").is_err() {
            break;
        }
    }
    ExitCode::SUCCESS
}
