//! All trials of one case: it runs to the end, to count instructions, then once for each kill point.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::mem;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

use crate::cases;
use crate::path::skips;
use crate::trial::{Failure, Trial};

/// Which case to run, how often, and for how long at most.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Campaign {
    /// The index in [`cases::ALL`].
    pub(crate) case: usize,
    /// The number of kill points, evenly spread; `None`: after every instruction.
    pub(crate) points: Option<u64>,
    /// How long a process may take before it counts as hung.
    pub(crate) timeout: Duration,
    /// The number of hangs after which the campaign stops: each takes the whole timeout.
    pub(crate) hangs: u64,
}

/// The counts of a campaign.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) instructions: u64,
    pub(crate) points: u64,
    pub(crate) hangs: u64,
    pub(crate) corruptions: u64,
    /// Points after which a survivor ended only when a slice of its wait had timed out.
    pub(crate) late: u64,
    /// Points that were not reached: the operation took a shorter path, and was killed at its end.
    pub(crate) missed: u64,
    /// The system does not let a process trace another.
    pub(crate) not_permitted: bool,
    pub(crate) details: Vec<String>,
}

/// Runs in a process of its own with one thread, which forks the tracees and the survivors.
pub(crate) fn run(campaign: Campaign) -> Outcome {
    let (_, case) = cases::ALL[campaign.case];
    let mut trial = Trial {
        kill_at: 0,
        skip: None,
        timeout: campaign.timeout,
        missed: Cell::new(false),
        late: Cell::new(false),
        path: RefCell::new(Vec::new()),
        calls: RefCell::new(HashMap::new()),
    };
    let mut outcome = Outcome::default();
    stay_on_one_processor(campaign.case);
    cases::warm_up();
    // The first run touches memory for the first time, and does not count. Of the other two the
    // shorter counts: reading the clock is repeated when it ticks during the read.
    let mut path: Option<Vec<u64>> = None;
    for at in [0, u64::MAX, u64::MAX] {
        trial.kill_at = at;
        match case(&trial) {
            _ if at == 0 => {}
            Err(failure) => {
                outcome.count(at, failure);
                return outcome;
            }
            Ok(()) => {
                let taken = trial.path.take();
                path = path.filter(|path| path.len() <= taken.len()).or(Some(taken));
            }
        }
    }
    let path = path.unwrap_or_default();
    let skips = skips(&path, |address| trial.calls.borrow()[&address]);
    outcome.instructions = path.len() as u64;
    // Before the first instruction, and after each.
    let all = outcome.instructions + 1;
    let points = campaign.points.map_or(all, |points| points.min(all));
    for point in 0..points {
        trial.kill_at = point * all / points;
        trial.skip = skips[trial.kill_at as usize];
        trial.late.set(false);
        trial.missed.set(false);
        outcome.points += 1;
        if let Err(failure) = case(&trial) {
            outcome.count(trial.kill_at, failure);
        }
        outcome.late += u64::from(trial.late.get());
        outcome.missed += u64::from(trial.missed.get());
        if outcome.hangs == campaign.hangs {
            break;
        }
    }
    outcome
}

/// A step costs two context switches between tracee and tracer, which are many times faster on one
/// processor than between two. A process that is woken also runs only after the next step, so that
/// an overtaker is always ahead of it.
fn stay_on_one_processor(case: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&i| allowed.is_set(i)).collect();
    let mut one = CpuSet::new();
    one.set(allowed[case % allowed.len()]);
    // If this fails, the campaign is only slower.
    let _ = sched_setaffinity(None, &one);
}

impl Outcome {
    fn count(&mut self, at: u64, failure: Failure) {
        let what = match failure {
            Failure::Hang(what) => {
                self.hangs += 1;
                what
            }
            Failure::Corrupt(what) => {
                self.corruptions += 1;
                what
            }
            Failure::NotPermitted => {
                self.not_permitted = true;
                return;
            }
        };
        if self.details.len() < 10 {
            self.details.push(match at {
                u64::MAX => format!("without a kill: {what}"),
                _ => format!("killed after {at} instructions: {what}"),
            });
        }
    }

    /// Takes the descriptions of the first failures.
    pub(crate) fn take_details(&mut self) -> Vec<String> {
        mem::take(&mut self.details)
    }
}
