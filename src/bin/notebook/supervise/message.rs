//! The messages to the supervisor's main thread.

use rustix::process::WaitStatus;

/// The number is the scenario's index among those that are played.
#[derive(Debug)]
pub(super) enum Message {
    /// A process of the scenario printed a line.
    Line(usize, String),
    /// Every process of the group is reaped.
    Ended(usize, Ending),
    /// The supervisor got a signal that tells it to stop.
    Stop(i32),
}

/// How a group ended.
#[derive(Debug)]
pub(super) struct Ending {
    /// Of the scenario process; none if somebody else has reaped it.
    pub(super) status: Option<WaitStatus>,
    /// Processes that it left behind.
    pub(super) strays: usize,
}

impl Ending {
    /// What is wrong with the ending itself, whatever the verdict.
    pub(super) fn fault(&self) -> Option<String> {
        let Some(status) = self.status else {
            return Some("how the scenario's process ended is not known".into());
        };
        if let Some(signal) = status.terminating_signal() {
            return Some(format!("the scenario's process was killed by signal {signal}"));
        }
        match (status.exit_status(), self.strays) {
            (Some(0 | 1), 0) => None,
            (Some(0 | 1), strays) => Some(format!("processes left behind: {strays}")),
            (code, _) => Some(format!("the scenario's process exited with {}", code.unwrap_or(-1))),
        }
    }

    /// Whether the verdict held, and nothing was left behind.
    pub(super) fn is_good(&self) -> bool {
        self.fault().is_none() && self.status.and_then(WaitStatus::exit_status) == Some(0)
    }
}
