//! The result of a call that is under way.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::ipc::codec;
use crate::pool::slot::{Part, Slot};
use crate::sys::Deadline;

/// The result of [`apply_async`](crate::Pool::apply_async) or
/// [`map_async`](crate::Pool::map_async), which may still be under way. To drop it is to lose
/// interest: the task runs all the same.
///
/// ```
/// let pool = multiproc::Pool::new(1)?;
/// let double = pool.apply_async(|n: u32| n * 2, 21)?;
/// assert_eq!(double.get()?, 42);
/// assert!(double.is_ready());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # If a worker dies
///
/// The task that it had gets an error. The result never waits for ever on a dead process, nor on
/// a pool that is gone.
///
/// # In a forked process
///
/// A copy has the result if it was there when the process was forked. If not, it never comes there:
/// the copy has the error [`TaskError::OtherProcess`] at once.
pub struct AsyncResult<R> {
    slot: Arc<Slot>,
    decode: fn(&[Part]) -> Result<R, TaskError>,
}

impl<R> AsyncResult<R> {
    /// Waits until the result is there, or the error; gives it. It can be asked for again.
    ///
    /// # Errors
    ///
    /// What happened to the task. Of a map, whose tasks are all waited for, the first error in
    /// the order of the items.
    pub fn get(&self) -> Result<R, TaskError> {
        match self.get_by(Deadline::Never) {
            Some(result) => result,
            None => unreachable!("without a deadline the result is waited for"),
        }
    }

    /// As [`get`](Self::get) if it is there; `None` if it is not.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn try_get(&self) -> Option<Result<R, TaskError>> {
        self.slot.complete().map(self.decode)
    }

    /// As [`get`](Self::get), but waits for at most `timeout`; `None` if it is not there then.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn get_for(&self, timeout: Duration) -> Option<Result<R, TaskError>> {
        self.get_by(Deadline::after(timeout))
    }

    /// As [`get_for`](Self::get_for), until `deadline`.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    pub fn get_until(&self, deadline: Instant) -> Option<Result<R, TaskError>> {
        self.get_by(Deadline::at(deadline))
    }

    /// Waits until the result is there, or the error.
    pub fn wait(&self) {
        self.slot.wait(Deadline::Never);
    }

    /// As [`wait`](Self::wait), for at most `timeout`; whether it is there.
    pub fn wait_for(&self, timeout: Duration) -> bool {
        self.slot.wait(Deadline::after(timeout)).is_some()
    }

    /// As [`wait_for`](Self::wait_for), until `deadline`.
    pub fn wait_until(&self, deadline: Instant) -> bool {
        self.slot.wait(Deadline::at(deadline)).is_some()
    }

    /// Whether the result is there, or the error.
    pub fn is_ready(&self) -> bool {
        self.slot.complete().is_some()
    }

    fn get_by(&self, deadline: Deadline) -> Option<Result<R, TaskError>> {
        self.slot.wait(deadline).map(self.decode)
    }
}

impl<R: DeserializeOwned> AsyncResult<R> {
    /// Of a call that is one task.
    pub(super) fn of_one(slot: Arc<Slot>) -> Self {
        let decode = |parts: &[Part]| match parts {
            [part] => decoded(part),
            _ => unreachable!("a call has one part"),
        };
        AsyncResult { slot, decode }
    }
}

impl<R: DeserializeOwned> AsyncResult<Vec<R>> {
    /// Of a call whose tasks each give some of the results.
    pub(super) fn of_many(slot: Arc<Slot>) -> Self {
        let decode = |parts: &[Part]| {
            let mut all = Vec::new();
            for part in parts {
                all.append(&mut decoded::<Vec<R>>(part)?);
            }
            Ok(all)
        };
        AsyncResult { slot, decode }
    }
}

fn decoded<R: DeserializeOwned>(part: &Part) -> Result<R, TaskError> {
    let bytes = part.as_ref().map_err(Clone::clone)?;
    codec::decode(bytes).map_err(TaskError::Decode)
}

impl<R> fmt::Debug for AsyncResult<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncResult").field("is_ready", &self.is_ready()).finish()
    }
}
