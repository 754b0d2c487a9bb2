//! `Thread`: functions beside one another in one process.

use anyhow::Result;
use multiproc::{Thread, thread};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario =
    Scenario { name: "thread", about: "three threads wait and say their names", busy: false, play };

fn worker(settings: Settings, sec: f64) -> String {
    let name = thread::current().name();
    println!("{name} waits for {sec} s");
    settings.sleep(sec);
    println!("{name} is done");
    name
}

fn play(settings: Settings) -> Result<Verdict> {
    let names = ["Eren", "Mikasa", "Armin"];
    let start = |name| Thread::builder().name(name).start(move || worker(settings, 2.0));
    let threads = names.into_iter().map(start).collect::<Result<Vec<_>, _>>()?;
    let said = threads.iter().map(Thread::join).collect::<Result<Vec<_>, _>>()?;
    let ended = threads.iter().all(|thread| !thread.is_alive());
    Ok(Verdict::new()
        .claim("each said its name", said == names)
        .claim("all three are joined", ended))
}
