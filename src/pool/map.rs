//! Many calls of one function: of a list, whose results come together, and of an iterator, whose results come
//! one by one.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::TaskError;
use crate::pool::async_result::{AsyncResult, Items};
use crate::pool::imap::{Imap, ImapUnordered, InFlight};
use crate::pool::request::{Call, list_to_bytes, to_bytes};
use crate::pool::{Chunked, Pool};

/// Chunks that each worker gets of a map, so that one who is done early can take another; and those that an
/// [`Imap`] has in flight for each.
pub(super) const CHUNKS: usize = 4;

impl Pool {
    /// Has the workers call `f` of each item, and waits for all results, which are in the items'
    /// order.
    ///
    /// The items go to the workers in about four chunks for each worker; [`chunked`](Self::chunked) says how
    /// many items a chunk has.
    ///
    /// ```
    /// use multiproc::{Pool, TaskError};
    ///
    /// let pool = Pool::new(2)?;
    /// let error = pool.map(|n: i32| 60 / n, [3, 0, 5]).unwrap_err();
    /// let TaskError::Items { items, source } = error else { panic!("{error}") };
    /// assert_eq!(items, 1..2);
    /// assert!(matches!(*source, TaskError::Panicked { .. }));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// The first error, in the order of the items; all are waited for. [`TaskError::Items`] says which item, or
    /// which chunk of them, failed and why; [`TaskError::Terminated`] and what else strikes the pool as a whole
    /// comes as itself.
    ///
    /// # Different from Python
    ///
    /// There, the error does not say of which item it is; and a map of which a worker was killed never ends.
    pub fn map<A, R, I>(&self, f: fn(A) -> R, items: I) -> Result<Vec<R>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.map_async(f, items)?.get()
    }

    /// As [`map`](Self::map), with the results for later.
    ///
    /// # Errors
    ///
    /// As for [`apply_async`](Self::apply_async). [`TaskError::Items`] says which item cannot be sent.
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
        let chunk = items.len().div_ceil(CHUNKS * self.workers());
        self.map_chunks(f, &items, chunk)
    }

    pub(super) fn map_chunks<A, R>(
        &self,
        f: fn(A) -> R,
        items: &[A],
        chunk: usize,
    ) -> Result<AsyncResult<Vec<R>>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
    {
        let tasks = &self.manager.tasks;
        tasks.check_process()?;
        let chunk = chunk.max(1);
        let call = Call::many(f)?;
        let arguments = items.chunks(chunk).map(list_to_bytes).collect::<Result<_, _>>();
        let arguments = arguments.map_err(|why| {
            let refused = |item| to_bytes(item).is_err();
            let items = match items.iter().position(refused) {
                Some(item) => item..item + 1,
                None => 0..items.len(),
            };
            TaskError::Argument(why).of_items(items)
        });
        let parts = tasks.submit(call, arguments?)?;
        Ok(AsyncResult::of_many(tasks.clone(), parts, Items { all: items.len(), chunk }))
    }

    /// Has the workers call `f` of each item, and waits for all results, which are in the items' order:
    /// of each item its result, or its own error. Each item is a task: what happens to one happens to no
    /// other.
    ///
    /// ```
    /// use multiproc::{Pool, TaskError};
    ///
    /// let pool = Pool::new(2)?;
    /// let results = pool.map_results(|n: i32| 60 / n, [3, 0, 5])?;
    /// assert_eq!((&results[0], &results[2]), (&Ok(20), &Ok(12)));
    /// assert!(matches!(results[1], Err(TaskError::Panicked { .. })));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`map_async`](Self::map_async): then no item is done.
    ///
    /// # Different from Python
    ///
    /// There, the first error is all that is known of a map.
    pub fn map_results<A, R, I>(
        &self,
        f: fn(A) -> R,
        items: I,
    ) -> Result<Vec<Result<R, TaskError>>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        let tasks = &self.manager.tasks;
        tasks.check_process()?;
        let call = Call::one(f)?;
        let encode = |(place, item)| {
            to_bytes(&item).map_err(|why| TaskError::Argument(why).of_items(place..place + 1))
        };
        let arguments = items.into_iter().enumerate().map(encode).collect::<Result<_, _>>()?;
        let results: Vec<AsyncResult<R>> = tasks
            .submit(call, arguments)?
            .into_iter()
            .map(|task| AsyncResult::of_one(tasks.clone(), task))
            .collect();
        Ok(results.iter().map(AsyncResult::get).collect())
    }

    /// Has the workers call `f` of each item, and gives the results one by one, in the items' order: of each
    /// item its result, or its own error.
    ///
    /// ```
    /// let pool = multiproc::Pool::new(2)?;
    /// // The items may be without end: they are taken as the results are.
    /// let squares = pool.imap(|n: u64| n * n, 1..)?;
    /// let some: Vec<_> = squares.take(4).collect::<Result<_, _>>()?;
    /// assert_eq!(some, [1, 4, 9, 16]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// Nothing is done before the first `next`. From then on, each `next` first takes as many items as are
    /// missing to four for each worker whose result was not given yet (tasks, where they are
    /// [chunked](Self::chunked)), and then waits for the first one's. So memory does not grow with the number of
    /// items; and items that come slowly hold up results that are there.
    ///
    /// A progress bar, by the crate indicatif, which knows how many items there are:
    ///
    /// ```
    /// use indicatif::ProgressIterator;
    ///
    /// let pool = multiproc::Pool::new(2)?;
    /// let results = pool.imap(|n: u64| n * n, 0..1000)?.progress_count(1000);
    /// let sum: u64 = results.sum::<Result<_, _>>()?;
    /// assert_eq!(sum, 332_833_500);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why nothing can be called: [`TaskError::NotInProgram`], [`TaskError::OtherProcess`]. What happens to an
    /// item is that item's error, also when it cannot be sent. When the pool takes no more
    /// ([`TaskError::Closed`], [`TaskError::Terminated`]), the next item has that error, and it is the last.
    ///
    /// # Dropping
    ///
    /// What no worker has begun is cancelled; what runs goes on, and its result is dropped.
    ///
    /// # Different from Python
    ///
    /// There, a thread takes all items at once, however many there are: an iterator without end fills the
    /// memory. What is left when the iterator is dropped is done all the same; and after `close` all items are
    /// done, where here those that were taken are.
    pub fn imap<A, R, I>(&self, f: fn(A) -> R, items: I) -> Result<Imap<R, I::IntoIter>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        self.in_flight(f, items, 1).map(Imap)
    }

    /// As [`imap`](Self::imap), with the results as they come: each with the place of its item, from 0.
    ///
    /// ```
    /// let pool = multiproc::Pool::new(2)?;
    /// let mut lengths = [0; 3];
    /// for (place, length) in pool.imap_unordered(|word: String| word.len(), ["a", "is", "the"].map(String::from))? {
    ///     lengths[place] = length?;
    /// }
    /// assert_eq!(lengths, [1, 2, 3]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// An item that takes long holds up no other.
    ///
    /// # Errors
    ///
    /// As for [`imap`](Self::imap).
    ///
    /// # Different from Python
    ///
    /// There, nothing says of which item a result is. For the rest, see [`imap`](Self::imap).
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
        self.in_flight(f, items, 1).map(ImapUnordered)
    }

    /// The maps of this pool, with so many items to a task: what a task costs beside its function is shared by
    /// them, which counts where the function takes less than some microseconds. 0 is 1.
    ///
    /// ```
    /// let pool = multiproc::Pool::new(2)?;
    /// let sum: Result<u64, _> = pool.chunked(100).imap(|n: u64| n * n, 0..1000)?.sum();
    /// assert_eq!(sum?, 332_833_500);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Different from Python
    ///
    /// There, it is the argument `chunksize`; and an item that fails takes its chunk with it in `imap`, too.
    pub fn chunked(&self, size: usize) -> Chunked<'_> {
        Chunked { pool: self, size: size.max(1) }
    }

    pub(super) fn in_flight<A, R, I>(
        &self,
        f: fn(A) -> R,
        items: I,
        chunk: usize,
    ) -> Result<InFlight<R, I::IntoIter>, TaskError>
    where
        A: Serialize + DeserializeOwned,
        R: Serialize + DeserializeOwned,
        I: IntoIterator<Item = A>,
    {
        let tasks = &self.manager.tasks;
        tasks.check_process()?;
        let call = Call::each(f)?;
        Ok(InFlight::new(tasks.clone(), call, items.into_iter(), chunk, CHUNKS * self.workers()))
    }
}
