//! What the conductor hears.

use rustix::process::WaitStatus;

/// From whom is told by the place in the playbill.
#[derive(Debug)]
pub(super) enum News {
    /// A player, or one of its children, printed a line.
    Line(usize, String),
    /// Every process of a group is reaped.
    Over(usize, Ending),
    /// The conductor got a signal that tells it to stop.
    Stop(i32),
}

/// How a group ended.
#[derive(Debug)]
pub(super) struct Ending {
    /// Of the player; none when somebody else has reaped it.
    pub(super) status: Option<WaitStatus>,
    /// Processes that the player left behind.
    pub(super) strays: usize,
}

impl Ending {
    /// What is wrong with the ending itself, whatever was played.
    pub(super) fn fault(&self) -> Option<String> {
        let Some(status) = self.status else {
            return Some("nobody knows how the player ended".into());
        };
        if let Some(signal) = status.terminating_signal() {
            return Some(format!("the player was ended by signal {signal}"));
        }
        match (status.exit_status(), self.strays) {
            (Some(0 | 1), 0) => None,
            (Some(0 | 1), strays) => Some(format!("processes left behind: {strays}")),
            (code, _) => Some(format!("the player ended with {}", code.unwrap_or(-1))),
        }
    }

    /// Whether the verdict held, and nothing was left behind.
    pub(super) fn is_good(&self) -> bool {
        self.fault().is_none() && self.status.and_then(WaitStatus::exit_status) == Some(0)
    }
}
