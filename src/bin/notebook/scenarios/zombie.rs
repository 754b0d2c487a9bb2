//! A child that has ended and is not waited for.

use anyhow::Result;
use multiproc::{Process, wait_any};

use crate::scenario::Scenario;
use crate::scenarios::watch;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "zombie",
    about: "a child that ended stays as a zombie until its parent waits for it",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    let child = Process::fork(|| ())?;
    // To know that it has ended is not to wait for it.
    wait_any(&[&child])?;
    settings.sleep(1.0);
    let before = watch::state(child.pid());
    println!("child, pid {}, has ended: {}", child.pid(), told(before));

    child.join()?;
    let after = watch::state(child.pid());
    println!("child, pid {}, was waited for: {}", child.pid(), told(after));

    Ok(Verdict::new()
        .claim("it was a zombie", before == Some('Z'))
        .claim("it is gone after the wait", after.is_none()))
}

fn told(state: Option<char>) -> String {
    state.map_or("it is gone".into(), |state| format!("its state is {state}"))
}
