//! What a pool is to be, before it is made.

use std::thread::available_parallelism;

use crate::error::Error;
use crate::pool::Pool;

/// The most workers that a pool may have.
const MOST: usize = 4096;

/// A pool to be. Made by [`Pool::builder`].
///
/// ```
/// let pool = multiproc::Pool::builder().workers(2).build()?;
/// assert_eq!(pool.workers(), 2);
/// # Ok::<(), multiproc::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "nothing is started yet"]
pub struct PoolBuilder {
    workers: Option<usize>,
}

impl PoolBuilder {
    /// How many processes work at a time; as many as there are processors by default.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// Makes the pool and starts its workers.
    ///
    /// # Errors
    ///
    /// As for [`Pool::new`].
    pub fn build(self) -> Result<Pool, Error> {
        let workers = self.workers.unwrap_or_else(|| available_parallelism().map_or(1, Into::into));
        if !(1..=MOST).contains(&workers) {
            let what = "a pool of workers";
            return Err(Error::Capacity { what, asked: workers, max: MOST });
        }
        Pool::start(workers)
    }
}
