//! What scenarios look at, to tell what happened.

use std::fs;
use std::time::SystemTime;

use jiff::Zoned;
use multiproc::{Error, Lock, ProcessSafe};

/// The time of day at some moment, here.
pub(super) fn time(moment: SystemTime) -> String {
    match Zoned::try_from(moment) {
        Ok(moment) => moment.strftime("%H:%M:%S").to_string(),
        Err(error) => error.to_string(),
    }
}

/// The state of a process as the kernel tells it (`R` runs, `S` sleeps, `Z` is a zombie, …); none
/// when there is no such process.
pub(super) fn state(pid: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // "PID (NAME) STATE …": the name may hold anything, parentheses too.
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.chars().next()
}

/// Counts how many are inside something, and the most there ever were.
#[derive(Debug, Default, ProcessSafe)]
pub(super) struct Crowd {
    inside: u32,
    most: u32,
}

impl Crowd {
    /// Does `work` as one who is inside.
    pub(super) fn with(crowd: &Lock<Crowd>, work: impl FnOnce()) -> Result<(), Error> {
        let mut now = crowd.lock()?;
        now.inside += 1;
        now.most = now.most.max(now.inside);
        drop(now);
        work();
        crowd.lock()?.inside -= 1;
        Ok(())
    }

    /// The most that there ever were inside.
    pub(super) fn most(crowd: &Lock<Crowd>) -> Result<u32, Error> {
        Ok(crowd.lock()?.most)
    }
}
