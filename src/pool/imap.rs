//! Results of many calls, one by one, while others are under way.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{CodecError, TaskError};
use crate::pool::async_result::AsyncResult;
use crate::pool::completed::await_some;
use crate::pool::request::{Call, list_to_bytes};
use crate::pool::tasks::Tasks;
use crate::runtime::Panic;

/// The results of [`Pool::imap`](crate::Pool::imap), in the items' order.
#[must_use = "nothing is called before the first `next`"]
pub struct Imap<R, I: Iterator>(pub(super) InFlight<R, I>);

/// The results of [`Pool::imap_unordered`](crate::Pool::imap_unordered), as they come, each with the place of its
/// item.
#[must_use = "nothing is called before the first `next`"]
pub struct ImapUnordered<R, I: Iterator>(pub(super) InFlight<R, I>);

/// Items that were given to the pool, and whose results were not given to the user; and the items to come.
pub(super) struct InFlight<R, I: Iterator> {
    tasks: Arc<Tasks>,
    call: Call,
    /// `None` when no more are taken.
    items: Option<I>,
    encode: Encode<I::Item>,
    /// How many items a chunk has.
    size: usize,
    /// How many chunks may be in flight.
    most: usize,
    /// The pool takes no more.
    refused: bool,
    /// How many items were taken.
    taken: usize,
    chunks: VecDeque<Chunk<R>>,
    /// Of chunks that have ended.
    results: VecDeque<(usize, Result<R, TaskError>)>,
}

/// Encodes a list.
type Encode<A> = fn(&[A]) -> Result<Vec<u8>, CodecError>;

/// Items that are one task.
struct Chunk<R> {
    /// The place of the first one.
    first: usize,
    len: usize,
    results: Results<R>,
}

enum Results<R> {
    Called(AsyncResult<Vec<Result<R, Panic>>>),
    /// They were not given to the pool, for this reason.
    Refused(TaskError),
}

impl<R, I: Iterator> InFlight<R, I> {
    pub(super) fn new(tasks: Arc<Tasks>, call: Call, items: I, size: usize, most: usize) -> Self
    where
        I::Item: serde::Serialize + DeserializeOwned,
    {
        InFlight {
            tasks,
            call,
            items: Some(items),
            encode: list_to_bytes::<I::Item>,
            size,
            most,
            refused: false,
            taken: 0,
            chunks: VecDeque::new(),
            results: VecDeque::new(),
        }
    }
}

impl<R: DeserializeOwned, I: Iterator> InFlight<R, I> {
    /// Takes items until so many chunks are in flight as may be.
    fn fill(&mut self) {
        while self.chunks.len() < self.most {
            let Some(items) = &mut self.items else { return };
            let chunk: Vec<I::Item> = items.by_ref().take(self.size).collect();
            if chunk.len() < self.size {
                self.items = None;
            }
            if !chunk.is_empty() {
                self.give(&chunk);
            }
        }
    }

    /// Gives the items to the pool, as one task.
    fn give(&mut self, chunk: &[I::Item]) {
        if self.refused {
            return;
        }
        let given = (self.encode)(chunk)
            .map_err(TaskError::Argument)
            .and_then(|argument| self.tasks.submit_one(self.call, &argument));
        let results = match given {
            Ok(task) => Results::Called(AsyncResult::of_one(self.tasks.clone(), task)),
            Err(TaskError::Argument(_)) if chunk.len() > 1 => {
                // One of them cannot be sent, or all are too long together: the others can.
                return chunk.chunks(1).for_each(|item| self.give(item));
            }
            Err(error) => {
                if !matches!(error, TaskError::Argument(_)) {
                    // The pool takes no more: this is the last result.
                    self.refused = true;
                    self.items = None;
                }
                Results::Refused(error)
            }
        };
        self.chunks.push_back(Chunk { first: self.taken, len: chunk.len(), results });
        self.taken += chunk.len();
    }

    fn next(&mut self, any: bool) -> Option<(usize, Result<R, TaskError>)> {
        loop {
            if let Some(result) = self.results.pop_front() {
                return Some(result);
            }
            self.fill();
            let next = if any { self.await_some() } else { 0 };
            self.chunks.remove(next)?.collect(&mut self.results);
        }
    }

    /// Waits until a chunk has ended, whichever; gives its place.
    fn await_some(&self) -> usize {
        let has_ended = |chunk: &Chunk<R>| match &chunk.results {
            Results::Called(results) => results.is_ready(),
            Results::Refused(_) => true,
        };
        if !self.chunks.iter().any(has_ended) {
            let called = self.chunks.iter().filter_map(|chunk| match &chunk.results {
                Results::Called(results) => Some(results as _),
                Results::Refused(_) => None,
            });
            await_some(&called.collect::<Vec<_>>(), None);
        }
        self.chunks.iter().position(has_ended).unwrap_or(0)
    }
}

impl<R: DeserializeOwned> Chunk<R> {
    /// Waits until it has ended; adds the result of each item.
    fn collect(self, all: &mut VecDeque<(usize, Result<R, TaskError>)>) {
        let Chunk { first, len, ref results } = self;
        let called = match results {
            Results::Called(results) => results.get(),
            Results::Refused(error) => return all.push_back((first, Err(error.clone()))),
        };
        let failed = match called {
            Ok(results) if results.len() == len => {
                let results = results.into_iter().map(|result| result.map_err(TaskError::from));
                return all.extend((first..).zip(results));
            }
            Ok(results) => {
                let what = format!("a worker gives {} results of {len} items", results.len());
                TaskError::Decode(CodecError::Malformed(what))
            }
            Err(error) => error,
        };
        let failed = if len == 1 { failed } else { failed.of_items(first..first + len) };
        all.extend((first..first + len).map(|item| (item, Err(failed.clone()))));
    }
}

impl<R> Drop for Chunk<R> {
    fn drop(&mut self) {
        if let Results::Called(results) = &self.results {
            results.cancel_queued();
        }
    }
}

impl<R: DeserializeOwned, I: Iterator> Iterator for Imap<R, I> {
    type Item = Result<R, TaskError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(false).map(|(_, result)| result)
    }
}

impl<R: DeserializeOwned, I: Iterator> FusedIterator for Imap<R, I> {}

impl<R: DeserializeOwned, I: Iterator> Iterator for ImapUnordered<R, I> {
    type Item = (usize, Result<R, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next(true)
    }
}

impl<R: DeserializeOwned, I: Iterator> FusedIterator for ImapUnordered<R, I> {}

impl<R, I: Iterator> fmt::Debug for Imap<R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imap").field("taken", &self.0.taken).finish_non_exhaustive()
    }
}

impl<R, I: Iterator> fmt::Debug for ImapUnordered<R, I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ImapUnordered").field("taken", &self.0.taken).finish_non_exhaustive()
    }
}
