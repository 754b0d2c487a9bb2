//! All trials of one scene: it is played once to the end, to count, then once for each point.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::mem;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use serde::{Deserialize, Serialize};

use crate::cut::{Cut, Harm};
use crate::path::leaps;
use crate::scenes;

/// Which scene to play, how often, and how patiently.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Campaign {
    /// Among all [`scenes`].
    pub(crate) scene: usize,
    /// At how many points to kill, evenly spread; `None`: at every one.
    pub(crate) points: Option<u64>,
    /// How long someone is waited for before that is called a hang.
    pub(crate) patience: Duration,
    /// After how many hangs to stop: each costs that patience.
    pub(crate) hangs: u64,
}

/// What came of it.
#[derive(Default, Debug, Serialize, Deserialize)]
pub(crate) struct Outcome {
    pub(crate) instructions: u64,
    pub(crate) points: u64,
    pub(crate) hangs: u64,
    pub(crate) corruptions: u64,
    /// Points at which someone went on only at the end of a slice.
    pub(crate) late: u64,
    /// Points that were not come to: the path was another, and the victim was killed at its end.
    pub(crate) missed: u64,
    /// The system does not let a process trace another.
    pub(crate) not_permitted: bool,
    pub(crate) details: Vec<String>,
}

/// Runs in a process of its own, of one thread, which forks the victims and their companions.
pub(crate) fn run(campaign: Campaign) -> Outcome {
    let (_, scene) = scenes::ALL[campaign.scene];
    let mut cut = Cut {
        at: 0,
        leap: None,
        patience: campaign.patience,
        missed: Cell::new(false),
        late: Cell::new(false),
        path: RefCell::new(Vec::new()),
        calls: RefCell::new(HashMap::new()),
    };
    let mut outcome = Outcome::default();
    stay_on_one_processor(campaign.scene);
    scenes::warm_up();
    // The first time, where memory is touched for the first time, does not count. Of the others
    // the shorter does: a look at the clock is repeated when it ticks meanwhile.
    let mut path: Option<Vec<u64>> = None;
    for at in [0, u64::MAX, u64::MAX] {
        cut.at = at;
        match scene(&cut) {
            _ if at == 0 => {}
            Err(harm) => {
                outcome.count(at, harm);
                return outcome;
            }
            Ok(()) => {
                let taken = cut.path.take();
                path = path.filter(|path| path.len() <= taken.len()).or(Some(taken));
            }
        }
    }
    let path = path.unwrap_or_default();
    let leaps = leaps(&path, |place| cut.calls.borrow()[&place]);
    outcome.instructions = path.len() as u64;
    // Before the first instruction, and after each.
    let all = outcome.instructions + 1;
    let points = campaign.points.map_or(all, |points| points.min(all));
    for point in 0..points {
        cut.at = point * all / points;
        cut.leap = leaps[cut.at as usize];
        cut.late.set(false);
        cut.missed.set(false);
        outcome.points += 1;
        if let Err(harm) = scene(&cut) {
            outcome.count(cut.at, harm);
        }
        outcome.late += u64::from(cut.late.get());
        outcome.missed += u64::from(cut.missed.get());
        if outcome.hangs == campaign.hangs {
            break;
        }
    }
    outcome
}

/// A step is two switches between victim and tracer, which are many times quicker on one processor
/// than from one to another. And whoever is woken runs only after the next step, so that the third
/// party that barges in is the first.
fn stay_on_one_processor(scene: usize) {
    let Ok(allowed) = sched_getaffinity(None) else { return };
    let allowed: Vec<usize> = (0..CpuSet::MAX_CPU).filter(|&i| allowed.is_set(i)).collect();
    let mut one = CpuSet::new();
    one.set(allowed[scene % allowed.len()]);
    // Without, all is the same, but slower.
    let _ = sched_setaffinity(None, &one);
}

impl Outcome {
    fn count(&mut self, at: u64, harm: Harm) {
        let what = match harm {
            Harm::Hang(what) => {
                self.hangs += 1;
                what
            }
            Harm::Corrupt(what) => {
                self.corruptions += 1;
                what
            }
            Harm::NotPermitted => {
                self.not_permitted = true;
                return;
            }
        };
        if self.details.len() < 10 {
            self.details.push(match at {
                u64::MAX => format!("with nobody killed: {what}"),
                _ => format!("killed after {at} instructions: {what}"),
            });
        }
    }

    /// The lines that say what went wrong.
    pub(crate) fn take_details(&mut self) -> Vec<String> {
        mem::take(&mut self.details)
    }
}
