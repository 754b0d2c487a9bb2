//! How a process ended.

use std::fmt;

use crate::error::KilledBy;

/// How a process ended, as the system tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ExitStatus {
    /// It ended itself, with this code: 0 to 255.
    Exited(i32),
    /// It was killed by the signal of this number.
    Signaled(i32),
}

impl ExitStatus {
    /// As Python's `exitcode`: the code, or the negative number of the signal.
    ///
    /// ```
    /// use multiproc::process::ExitStatus;
    ///
    /// assert_eq!(ExitStatus::Exited(3).code(), 3);
    /// assert_eq!(ExitStatus::Signaled(15).code(), -15);
    /// ```
    pub fn code(self) -> i32 {
        match self {
            ExitStatus::Exited(code) => code,
            ExitStatus::Signaled(signal) => -signal,
        }
    }

    /// Whether it ended with code 0.
    pub fn success(self) -> bool {
        self == ExitStatus::Exited(0)
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            ExitStatus::Exited(code) => write!(f, "ended with exit code {code}"),
            ExitStatus::Signaled(signal) => KilledBy(signal).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_happened() {
        assert_eq!(ExitStatus::Exited(3).to_string(), "ended with exit code 3");
        assert_eq!(ExitStatus::Signaled(9).to_string(), "was killed by SIGKILL");
        assert_eq!(ExitStatus::Signaled(40).to_string(), "was killed by signal 40");
    }
}
