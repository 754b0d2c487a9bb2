//! The settings with which a scenario is played.

use std::thread;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How fast a scenario is played, and for how many rounds where it has no end of its own.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(crate) struct Settings {
    speed: f64,
    /// How often `lock` compares its numbers, if that was given.
    pub(crate) rounds: Option<u64>,
}

impl Settings {
    pub(crate) fn new(speed: f64, rounds: Option<u64>) -> Self {
        Settings { speed, rounds }
    }

    /// The command line arguments that give another process the same settings.
    pub(crate) fn arguments(self) -> Vec<String> {
        let rounds = self.rounds.map(|rounds| format!("--rounds={rounds}"));
        [format!("--speed={}", self.speed)].into_iter().chain(rounds).collect()
    }

    /// So many of the notebook's seconds, at this speed.
    pub(crate) fn seconds(self, seconds: f64) -> Duration {
        // A duration that does not fit is longer than anybody waits.
        Duration::try_from_secs_f64(seconds / self.speed).unwrap_or(Duration::MAX)
    }

    /// Sleeps for so many of the notebook's seconds.
    pub(crate) fn sleep(self, seconds: f64) {
        thread::sleep(self.seconds(seconds));
    }

    /// Whether a process that sleeps a second longer surely wakes later. It does not when a second is as
    /// short as the scheduler's delays; then an order that only sleeps make is not judged.
    pub(crate) fn keeps_order(self) -> bool {
        self.seconds(1.0) >= Duration::from_millis(20)
    }
}
