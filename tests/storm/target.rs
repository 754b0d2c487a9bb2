//! The interface by which the storm uses a primitive.

use rand::rngs::StdRng;

/// The number of workers.
pub(crate) const WORKERS: usize = 4;

/// A primitive that all workers use.
pub(crate) trait Target {
    fn name(&self) -> &'static str;

    /// Uses it once, as the worker of that number; false when that had no effect, as it may.
    fn use_once(&self, worker: usize, rng: &mut StdRng) -> bool;

    /// Wakes workers that wait for something that only another worker would do.
    fn unblock(&self) {}

    /// Repairs what the kill of a worker in the middle of a use may leave undone by the primitive's
    /// contract.
    fn repair_after(&self, _killed: usize) {}

    /// Ends all waits: the round is over.
    fn close(&self) {}

    /// Checks the state at the end of a round, after so many uses that ended, and so many workers
    /// that were killed during one.
    fn check(&self, uses: u64, deaths: u64) -> Damage;
}

/// What the deaths did to a target.
#[derive(Default)]
pub(crate) struct Damage {
    pub(crate) reported: u64,
    pub(crate) lost: u64,
}
