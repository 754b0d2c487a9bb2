//! `Pool::apply_async`: more tasks than workers.

use std::process::id;
use std::time::{Instant, SystemTime};

use anyhow::Result;
use multiproc::Pool;
use serde::{Deserialize, Serialize};

use crate::scenario::Scenario;
use crate::scenarios::watch;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "pool_apply",
    about: "ten tasks on four workers, so in three waves",
    busy: false,
    play,
};

/// What a task gives.
#[derive(Serialize, Deserialize)]
struct Done {
    task: u32,
    began: SystemTime,
    finished: SystemTime,
}

fn hello((settings, task): (Settings, u32)) -> Done {
    let began = SystemTime::now();
    println!("hello {task} from pid {}", id());
    settings.sleep(2.0);
    Done { task, began, finished: SystemTime::now() }
}

fn play(settings: Settings) -> Result<Verdict> {
    let pool = Pool::new(4)?;
    // `apply` waits for its one task.
    let answer = pool.apply(|n: u32| n + 1, 41)?;
    println!("one task alone gives {answer}");

    // `apply_async` does not wait: all ten are handed in at once.
    let began = Instant::now();
    let tasks = (0..10).map(|task| pool.apply_async(hello, (settings, task)));
    let tasks = tasks.collect::<Result<Vec<_>, _>>()?;
    pool.close();
    let results = tasks.iter().map(|task| task.get()).collect::<Result<Vec<_>, _>>()?;
    let took = began.elapsed();
    pool.join()?;
    for Done { task, finished, .. } in &results {
        println!("task {task} finished at {}", watch::time(*finished));
    }

    let at_work = |now| results.iter().filter(|one| one.began <= now && now < one.finished).count();
    let most = results.iter().map(|one| at_work(one.began)).max().unwrap_or(0);
    let in_order = results.iter().map(|one| one.task).eq(0..10);
    // Four, four, and the last two.
    let three_waves = (settings.seconds(6.0)..settings.seconds(8.0)).contains(&took);
    Ok(Verdict::new()
        .claim("ten results in the order of their tasks", in_order)
        .claim("never more than 4 at a time", (1..=4).contains(&most))
        .timed(settings, "4 at a time, so three waves", most == 4 && three_waves))
}
