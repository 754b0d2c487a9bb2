//! `Run`: a process from a type of your own. In Python, a class that extends `Process`.

use std::time::{Duration, Instant, SystemTime};

use anyhow::Result;
use multiproc::{Process, Run};

use crate::scenario::Scenario;
use crate::scenarios::watch;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "process_class",
    about: "a type with a run method is a process: a clock that ticks five times",
    busy: false,
    play,
};

struct Clock {
    settings: Settings,
    ticks: usize,
    interval: f64,
}

impl Run for Clock {
    /// How long each tick took.
    type Output = Vec<Duration>;

    fn run(self) -> Vec<Duration> {
        let tick = |_| {
            let began = Instant::now();
            println!("it is {}", watch::time(SystemTime::now()));
            self.settings.sleep(self.interval);
            began.elapsed()
        };
        (0..self.ticks).map(tick).collect()
    }
}

fn play(settings: Settings) -> Result<Verdict> {
    let clock = Process::start(Clock { settings, ticks: 5, interval: 2.0 })?;
    let ticks = clock.join()?;
    let none_early = ticks.iter().all(|tick| *tick >= settings.seconds(2.0));
    Ok(Verdict::new()
        .claim("five ticks", ticks.len() == 5)
        .claim("none before its 2 s were over", none_early))
}
