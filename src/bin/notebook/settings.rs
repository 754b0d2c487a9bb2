//! What a scenario is played with.

use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How fast a scenario is played, and how long where it has no end of its own.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Stage {
    speed: f64,
    /// How often `lock` looks, where the number is given.
    pub(crate) rounds: Option<u64>,
}

impl Stage {
    pub(crate) fn new(speed: f64, rounds: Option<u64>) -> Self {
        Stage { speed, rounds }
    }

    /// The arguments that give another process the same.
    pub(crate) fn arguments(self) -> Vec<String> {
        let rounds = self.rounds.map(|rounds| format!("--rounds={rounds}"));
        [format!("--speed={}", self.speed)].into_iter().chain(rounds).collect()
    }

    /// So many of the notebook's seconds, as long as they last here.
    pub(crate) fn seconds(self, seconds: f64) -> Duration {
        // What does not fit is more than anybody waits for.
        Duration::try_from_secs_f64(seconds / self.speed).unwrap_or(Duration::MAX)
    }

    /// Sleeps for so many of the notebook's seconds.
    pub(crate) fn sleep(self, seconds: f64) {
        thread::sleep(self.seconds(seconds));
    }

    /// Whether who sleeps a second longer also wakes later. When a second is as short as the
    /// scheduler's delays, nobody can say; and what only sleeps order is not judged.
    pub(crate) fn keeps_order(self) -> bool {
        self.seconds(1.0) >= Duration::from_millis(20)
    }
}
