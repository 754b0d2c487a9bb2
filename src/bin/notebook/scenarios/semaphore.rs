//! `Semaphore`: some at a time.

use std::process::id;

use anyhow::Result;
use multiproc::{Lock, Process, Semaphore, Shared};

use crate::scenario::Scenario;
use crate::scenarios::watch::Occupancy;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "semaphore",
    about: "five processes want one of three permits",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    // Any struct or tuple of safe parts can be shared.
    let shared = Shared::new((Semaphore::new(3), Lock::new(Occupancy::default())))?;
    let (permits, occupancy) = &*shared;

    let work = || {
        let permit = permits.acquire();
        println!("pid {}: I have a permit", id());
        Occupancy::with(occupancy, || settings.sleep(3.0)).expect("nobody dies while counting");
        println!("pid {}: I give it back", id());
        drop(permit);
    };
    let workers = (0..5).map(|_| Process::fork(work)).collect::<Result<Vec<_>, _>>()?;
    for worker in &workers {
        worker.join()?;
    }

    let most = Occupancy::most(occupancy)?;
    println!("at most {most} inside, {} permits at the end", permits.value());
    Ok(Verdict::new()
        .claim("never more than 3 inside", (1..=3).contains(&most))
        .claim("final value 3", permits.value() == 3)
        .timed(settings, "3 were inside at a time", most == 3))
}
