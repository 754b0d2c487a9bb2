//! `Queue`: one process puts, another gets.

use anyhow::Result;
use multiproc::process::ExitStatus;
use multiproc::{Process, Queue};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "queue",
    about: "a producer puts five pairs, a consumer takes three and adds them up",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    let queue = Queue::<(i32, i32)>::bounded(10)?;
    let producer = Process::fork(|| {
        for _ in 0..5 {
            queue.put((10, 2)).expect("there is room");
            settings.sleep(1.0);
        }
    })?;
    let consumer = Process::fork(|| {
        let mut sums = Vec::new();
        for _ in 0..3 {
            let (a, b) = queue.get().expect("the producer puts five");
            println!("{}", a + b);
            sums.push(a + b);
            settings.sleep(1.5);
        }
        sums
    })?;
    producer.join()?;
    let sums = consumer.join()?;
    println!("{} pairs stay behind", queue.len());
    let ends = [producer.exit_status(), consumer.exit_status()];
    // Both have ended with items in the queue: it lies in shared memory, and nobody has to feed it.
    Ok(Verdict::new()
        .claim("three sums of 12", sums == [12, 12, 12])
        .claim("two pairs stay behind", queue.len() == 2)
        .claim("both processes end cleanly all the same", ends == [Some(ExitStatus::Exited(0)); 2]))
}
