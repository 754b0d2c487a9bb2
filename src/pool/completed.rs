//! Results in the order in which they come.

use std::collections::VecDeque;
use std::fmt;
use std::iter::FusedIterator;
use std::mem;
use std::time::Duration;

use crate::error::TaskError;
use crate::pool::AsyncResult;
use crate::sync::Event;
use crate::sys::Futex;
use crate::wait::{Sealed, Source, Waitable, Wakes, Words, wait_any_for};

/// Between two looks at tasks that wait for a place in the pool's memory: they come to one when others end.
const SLICE: Duration = Duration::from_millis(100);

/// Gives the results in the order in which they come, each with its place in `results`; those that are there at
/// the same time in the order of `results`.
///
/// ```
/// use multiproc::{Pool, as_completed};
///
/// let pool = Pool::new(2)?;
/// let results = ["a", "is", "the"].map(|word| pool.apply_async(|word: String| word.len(), word.into()));
/// let mut lengths = [0; 3];
/// for (place, length) in as_completed(results.into_iter().collect::<Result<Vec<_>, _>>()?) {
///     lengths[place] = length?;
/// }
/// assert_eq!(lengths, [1, 2, 3]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Results that are dropped with the iterator lose nothing but interest: their tasks run all the same. They may
/// be of several pools. For the calls of one function, see
/// [`Pool::imap_unordered`](crate::Pool::imap_unordered), which keeps few of them at a time.
///
/// # Costs
///
/// Those of [`wait_any`](crate::wait_any), for each wait; results that are there are given without one.
///
/// # Different from Python
///
/// There, it is of `concurrent.futures`, and gives the futures.
pub fn as_completed<R>(results: impl IntoIterator<Item = AsyncResult<R>>) -> AsCompleted<R> {
    let waiting = results.into_iter().enumerate().collect();
    AsCompleted { waiting, ready: VecDeque::new() }
}

/// Results in the order in which they come: made by [`as_completed`].
#[must_use = "nothing is waited for before the first `next`"]
pub struct AsCompleted<R> {
    waiting: Vec<(usize, AsyncResult<R>)>,
    ready: VecDeque<(usize, AsyncResult<R>)>,
}

impl<R> Iterator for AsCompleted<R> {
    type Item = (usize, Result<R, TaskError>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.ready.is_empty() && !self.waiting.is_empty() {
            await_some(
                &self.waiting.iter().map(|(_, result)| result as _).collect::<Vec<_>>(),
                None,
            );
            let waiting = mem::take(&mut self.waiting).into_iter();
            let (ready, waiting) = waiting.partition::<Vec<_>, _>(|(_, result)| result.is_ready());
            (self.ready, self.waiting) = (ready.into(), waiting);
        }
        self.ready.pop_front().map(|(place, result)| (place, result.get()))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let left = self.waiting.len() + self.ready.len();
        (left, Some(left))
    }
}

impl<R> ExactSizeIterator for AsCompleted<R> {}

impl<R> FusedIterator for AsCompleted<R> {}

impl<R> fmt::Debug for AsCompleted<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsCompleted").field("left", &self.len()).finish_non_exhaustive()
    }
}

/// A result that is waited for together with others.
pub(super) trait Awaited: Waitable {
    /// Whether it is there.
    fn is_ready(&self) -> bool;

    /// Whether a worker could have some of it, or have done it.
    fn has_place(&self) -> bool;
}

impl<R> Awaited for AsyncResult<R> {
    fn is_ready(&self) -> bool {
        AsyncResult::is_ready(self)
    }

    fn has_place(&self) -> bool {
        AsyncResult::has_place(self)
    }
}

/// Waits until one of the results is there, or more, or there is news; not at all for nothing.
pub(super) fn await_some(results: &[&dyn Awaited], news: Option<&Event>) {
    let is_over =
        || results.iter().any(|result| result.is_ready()) || news.is_some_and(|news| news.is_set());
    while !is_over() {
        let Some(first) = results.first() else { return };
        // Those that wait for a place, any number, are not slept for: they cannot be done yet. But for the first
        // one, if there is no other.
        let mut sources: Vec<&dyn Waitable> = Vec::new();
        sources.extend(
            results
                .iter()
                .filter(|result| result.has_place())
                .map(|result| *result as &dyn Waitable),
        );
        let timeout = if sources.len() == results.len() { Duration::MAX } else { SLICE };
        if sources.is_empty() {
            sources.push(*first);
        }
        sources.extend(news.map(|news| news as &dyn Waitable));
        // Only a sleep on descriptors is refused, and these have none.
        let _ = wait_any_for(&sources, timeout);
    }
}

impl<R> Words for AsyncResult<R> {
    fn wakes(&self) -> Wakes {
        Wakes::All
    }

    fn look(&self, _: &mut Option<u32>) -> Option<(&Futex, u32)> {
        self.announce()
    }
}

impl<R> Sealed for AsyncResult<R> {
    fn source(&self) -> Source<'_> {
        Source::of(self)
    }
}
