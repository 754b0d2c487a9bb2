//! Maps with several items to a task.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::pool::{AsyncResult, Imap, ImapUnordered, Pool};

/// The maps of a pool, with several items to a task: see [`Pool::chunked`].
///
/// An item that panics fails alone in [`imap`](Self::imap) and [`imap_unordered`](Self::imap_unordered). What
/// ends a worker, or takes too long, fails all the items of its chunk, by a [`TaskError::Items`] that says which
/// those are.
#[derive(Clone, Copy, Debug)]
#[must_use = "nothing is called yet"]
pub struct Chunked<'a> {
    pub(super) pool: &'a Pool,
    pub(super) size: usize,
}

impl Chunked<'_> {
    /// As [`Pool::map`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::map`].
    pub fn map<A, R, I>(&self, f: fn(A) -> R, items: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.map_async(f, items)?.get()
    }

    /// As [`Pool::map_async`].
    ///
    /// # Errors
    ///
    /// As for [`Pool::map_async`].
    pub fn map_async<A, R, I>(
        &self,
        f: fn(A) -> R,
        items: I,
    ) -> Result<AsyncResult<Vec<R>>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        let items: Vec<A> = items.into_iter().collect();
        self.pool.map_chunks(f, &items, self.size)
    }

    /// As [`Pool::imap`]. Four chunks for each worker are in flight.
    ///
    /// # Errors
    ///
    /// As for [`Pool::imap`].
    pub fn imap<A, R, I>(&self, f: fn(A) -> R, items: I) -> Result<Imap<R, I::IntoIter>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.pool.in_flight(f, items, self.size).map(Imap)
    }

    /// As [`Pool::imap_unordered`]. Four chunks for each worker are in flight.
    ///
    /// # Errors
    ///
    /// As for [`Pool::imap_unordered`].
    pub fn imap_unordered<A, R, I>(
        &self,
        f: fn(A) -> R,
        items: I,
    ) -> Result<ImapUnordered<R, I::IntoIter>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.pool.in_flight(f, items, self.size).map(ImapUnordered)
    }
}
