//! What several scenarios measure.

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
pub(super) struct Occupancy {
    inside: u32,
    most: u32,
}

impl Occupancy {
    /// Runs `work`, and counts this process as inside meanwhile.
    pub(super) fn with(occupancy: &Lock<Occupancy>, work: impl FnOnce()) -> Result<(), Error> {
        let mut now = occupancy.lock()?;
        now.inside += 1;
        now.most = now.most.max(now.inside);
        drop(now);
        work();
        occupancy.lock()?.inside -= 1;
        Ok(())
    }

    /// The most that were inside at the same time.
    pub(super) fn most(occupancy: &Lock<Occupancy>) -> Result<u32, Error> {
        Ok(occupancy.lock()?.most)
    }
}
