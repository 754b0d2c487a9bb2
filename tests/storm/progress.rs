//! What each worker does and has done, in memory that outlives it.

use multiproc::{Event, Shared, SharedArray};

use crate::target::WORKERS;

pub(crate) struct Progress {
    targets: usize,
    /// For each worker, the number of the target that it uses, from 1; 0 between two uses.
    in_use: SharedArray<u32>,
    /// For each worker and each target, the number of uses that ended.
    uses: SharedArray<u64>,
    stopped: Shared<Event>,
}

impl Progress {
    pub(crate) fn new(targets: usize) -> Self {
        Progress {
            targets,
            in_use: SharedArray::zeroed(WORKERS).unwrap(),
            uses: SharedArray::zeroed(WORKERS * targets).unwrap(),
            stopped: Shared::new(Event::new()).unwrap(),
        }
    }

    /// A use begins.
    pub(crate) fn begin(&self, worker: usize, target: usize) {
        self.in_use.set(worker, target as u32 + 1).unwrap();
    }

    /// A use has ended; it counts if it had an effect.
    pub(crate) fn end(&self, worker: usize, target: usize, counts: bool) {
        self.uses.fetch_add(worker * self.targets + target, counts.into()).unwrap();
        self.in_use.set(worker, 0).unwrap();
    }

    /// The target that a killed worker was using, if any; forgets that.
    pub(crate) fn interrupted(&self, killed: usize) -> Option<usize> {
        (self.in_use.swap(killed, 0).unwrap() as usize).checked_sub(1)
    }

    pub(crate) fn uses_of(&self, target: usize) -> u64 {
        self.uses.iter().skip(target).step_by(self.targets).sum()
    }

    pub(crate) fn uses(&self) -> u64 {
        self.uses.iter().sum()
    }

    /// Tells the workers to end.
    pub(crate) fn stop(&self) {
        self.stopped.set();
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.is_set()
    }
}
