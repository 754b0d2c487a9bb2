//! What a pool is to be, before it is made.

use std::thread::available_parallelism;
use std::time::Duration;

use crate::error::Error;
use crate::pool::Pool;

/// The most workers that a pool may have.
const MOST: usize = 4096;

/// As long as somebody may need to see that something is wrong, and to mend it.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// A pool to be. Made by [`Pool::builder`].
///
/// ```
/// let pool = multiproc::Pool::builder().workers(2).build()?;
/// assert_eq!(pool.workers(), 2);
/// # Ok::<(), multiproc::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing is started yet"]
pub struct PoolBuilder {
    workers: Option<usize>,
    start_timeout: Duration,
}

impl Default for PoolBuilder {
    fn default() -> Self {
        PoolBuilder { workers: None, start_timeout: START_TIMEOUT }
    }
}

impl PoolBuilder {
    /// How many processes work at a time; as many as there are processors by default.
    pub fn workers(mut self, workers: usize) -> Self {
        self.workers = Some(workers);
        self
    }

    /// How long tasks wait while the pool has no worker and cannot start any; 30 s by default. Then
    /// they fail with [`TaskError::Broken`](crate::TaskError::Broken), which says why. The pool goes
    /// on trying, see [there](Pool#when-workers-cannot-be-started).
    ///
    /// [`Duration::MAX`] is for ever, [`Duration::ZERO`] not at all.
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let pool = multiproc::Pool::builder().start_timeout(Duration::from_secs(5)).build()?;
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn start_timeout(mut self, timeout: Duration) -> Self {
        self.start_timeout = timeout;
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
        Pool::start(workers, self.start_timeout)
    }
}
