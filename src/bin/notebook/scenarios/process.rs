//! `Process::spawn`: a function in a process of its own, with arguments.

use std::os::unix::process::parent_id;
use std::process::id;

use anyhow::Result;
use multiproc::Process;
use multiproc::process::{ExitStatus, current};
use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "process",
    about: "a function works in a process of its own, with arguments and a name",
    busy: false,
    play,
};

/// Rust's functions have no named arguments; a struct's fields have names.
#[derive(Serialize, Deserialize)]
struct Task {
    sec: f64,
    name: String,
}

fn worker((settings, task): (Settings, Task)) -> u32 {
    let mut rounds = 0;
    for _ in 0..3 {
        println!("I am {}, pid {}, a child of pid {}", task.name, id(), parent_id());
        settings.sleep(task.sec);
        println!("{} works", current().name());
        rounds += 1;
    }
    rounds
}

fn play(settings: Settings) -> Result<Verdict> {
    let task = Task { sec: 2.0, name: "Levi".into() };
    // The child is a fresh process of this program: the arguments travel to it, the result back.
    let child = Process::builder().name("Levi").spawn(worker, (settings, task))?;
    let rounds = child.join()?;
    println!("{} is joined", child.name());
    Ok(Verdict::new()
        .claim("it worked three times", rounds == 3)
        .claim("its exit code is 0", child.exit_status() == Some(ExitStatus::Exited(0))))
}
