//! A thread from a type of your own, which holds what to call and with what.

use std::collections::BTreeMap;
use std::time::SystemTime;

use anyhow::Result;
use multiproc::{Run, Thread};

use crate::scenario::Scenario;
use crate::scenarios::watch;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "thread_class",
    about: "a type that holds target, arguments and name is a thread: a player of songs",
    busy: false,
    play,
};

/// Python's `Thread` has these four; here they are fields like any others.
struct Player {
    target: fn(Settings, &[&str], &BTreeMap<&str, f64>) -> usize,
    args: Vec<&'static str>,
    kwargs: BTreeMap<&'static str, f64>,
    name: &'static str,
    settings: Settings,
}

impl Run for Player {
    type Output = usize;

    fn run(self) -> usize {
        println!("{} begins", self.name);
        (self.target)(self.settings, &self.args, &self.kwargs)
    }
}

/// Plays the songs; how many it played.
fn perform(settings: Settings, songs: &[&str], options: &BTreeMap<&str, f64>) -> usize {
    for song in songs {
        println!("{song}, at {}", watch::time(SystemTime::now()));
        settings.sleep(options["interval"]);
    }
    songs.len()
}

fn play(settings: Settings) -> Result<Verdict> {
    let player = Player {
        target: perform,
        args: vec!["Yesterday"; 3],
        kwargs: BTreeMap::from([("interval", 2.0)]),
        name: "player",
        settings,
    };
    let player = Thread::builder().name(player.name).start(player)?;
    let played = player.join()?;
    Ok(Verdict::new().claim("three songs, then joined", played == 3 && !player.is_alive()))
}
