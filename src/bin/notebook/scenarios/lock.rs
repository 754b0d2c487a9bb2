//! `Lock`: two values that change together.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use anyhow::Result;
use multiproc::{Error, Lock, Process, ProcessSafe, Shared, Thread};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "lock",
    about: "one changes two numbers under a lock, the other never sees them differ",
    busy: true,
    play,
};

#[derive(Default, ProcessSafe)]
struct Pair {
    a: u64,
    b: u64,
    /// Not 0 when the other has looked enough.
    enough: u32,
}

/// Adds 1 to both, again and again.
fn add(pair: &Lock<Pair>) {
    loop {
        let mut pair = pair.lock().expect("nobody dies inside");
        if pair.enough != 0 {
            break;
        }
        pair.a += 1;
        pair.b += 1;
    }
}

/// What the one who looks has seen.
#[derive(Default)]
struct Seen {
    looked: u64,
    differed: u64,
    /// How often the other had added by then.
    added: u64,
}

impl fmt::Display for Seen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Seen { looked, differed, added } = self;
        write!(
            f,
            "looked {looked} times while {added} were added, a and b differed {differed} times"
        )
    }
}

/// Looks whether they differ, again and again: 2 s long, or as often as it was asked.
fn look(pair: &Lock<Pair>, settings: Settings) -> Result<Seen, Error> {
    let mut seen = Seen::default();
    let began = Instant::now();
    loop {
        let mut pair = pair.lock()?;
        if pair.a == 0 {
            continue; // The other has not begun: there is nothing to see.
        }
        seen.looked += 1;
        seen.differed += u64::from(pair.a != pair.b);
        let enough = match settings.rounds {
            Some(rounds) => seen.looked >= rounds,
            // A look at the clock takes longer than one under the lock.
            None => seen.looked % 1024 == 0 && began.elapsed() >= settings.seconds(2.0),
        };
        if enough {
            pair.enough = 1;
            return Ok(Seen { added: pair.a, ..seen });
        }
    }
}

fn play(settings: Settings) -> Result<Verdict> {
    // Between threads a lock lives wherever both reach it.
    let pair = Arc::new(Lock::new(Pair::default()));
    let its_pair = Arc::clone(&pair);
    let adder = Thread::spawn(move || add(&its_pair))?;
    let threads = look(&pair, settings)?;
    adder.join()?;
    println!("between threads: {threads}");

    // Between processes it lives in a `Shared`. It is the same lock. (A process that has had a
    // thread does not fork.)
    let pair = Shared::new(Lock::new(Pair::default()))?;
    let adder = Process::spawn(|pair: Shared<Lock<Pair>>| add(&pair), pair.clone())?;
    let processes = look(&pair, settings)?;
    adder.join()?;
    println!("between processes: {processes}");

    Ok(Verdict::new()
        .claim("a == b whenever a thread looked", threads.differed == 0)
        .claim("a == b whenever a process looked", processes.differed == 0))
}
