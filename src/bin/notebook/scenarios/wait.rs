//! Waiting for a child, and what its exit code tells.

use std::process::id;

use anyhow::Result;
use multiproc::process::{ExitStatus, exit};
use multiproc::{Process, ProcessError};

use crate::scenario::Scenario;
use crate::scenarios::watch;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "wait",
    about: "a parent waits for its child, and reads its exit code",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    let child: Process<()> = Process::fork(|| {
        settings.sleep(3.0);
        println!("child, pid {}: I exit with 3", id());
        exit(3)
    })?;

    println!("parent, pid {}: I wait for pid {}", id(), child.pid());
    // A child that returns gives its result. This one does not return.
    let ended = child.join();
    let status = child.exit_status();
    let told = status.map_or("no status".into(), |status| status.to_string());
    println!("parent, pid {}: pid {} {told}, and I go on", id(), child.pid());

    // What Python's `exit("a string")` does: the string goes to standard error, the code is 1.
    let complaint: Process<()> = Process::fork(|| {
        eprintln!("child, pid {}: I exit with this line on standard error", id());
        exit(1)
    })?;
    let complained = complaint.join();

    Ok(Verdict::new()
        .claim(
            "the status is 3",
            matches!(ended, Err(ProcessError::Exited(3))) && status == Some(ExitStatus::Exited(3)),
        )
        .claim("no zombie is left", watch::state(child.pid()).is_none())
        .claim("an exit with a string gives 1", matches!(complained, Err(ProcessError::Exited(1)))))
}
