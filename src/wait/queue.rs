//! Putting and getting without a thread.

use std::future::poll_fn;
use std::task::{Context, Poll};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{GetError, PutError};
use crate::ipc::{Queue, Taken};
use crate::wait::words::{Wakes, WordWait};

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// As [`Queue::put`], for an `async` function: waits for room without a thread.
    ///
    /// # Errors
    ///
    /// As for [`Queue::put`].
    ///
    /// # A future that is dropped
    ///
    /// The value was put, all of it, if the future was ready; if not, nothing of it, and it is dropped with the
    /// future. Had it been woken for room, another that waits for some is woken, here or in another process.
    ///
    /// # If a process dies
    ///
    /// As for [`Queue::put`]: nobody waits for the dead. A process that is stopped in the middle of a put keeps a
    /// poll waiting, as it does [`Queue::try_put`].
    pub fn put_async(&self, value: T) -> impl Future<Output = Result<(), PutError<T>>> {
        let mut put = Put { value: Some(value), encoded: None, wait: WordWait::default() };
        poll_fn(move |context| put.poll(self, context))
    }

    /// As [`Queue::get`], for an `async` function: waits for a value without a thread.
    ///
    /// ```
    /// let queue = multiproc::Queue::bounded(8)?;
    /// let producer = queue.clone();
    /// std::thread::spawn(move || {
    ///     (1..=3).for_each(|n| producer.put(n).unwrap());
    ///     producer.close();
    /// });
    /// let sum = async move {
    ///     let mut sum = 0;
    ///     while let Ok(n) = queue.get_async().await {
    ///         sum += n;
    ///     }
    ///     sum
    /// };
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// assert_eq!(runtime.block_on(sum), 6); // any executor will do
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Queue::get`].
    ///
    /// # A future that is dropped
    ///
    /// It has taken nothing unless it has given it. Had it been woken for a value, another that waits is woken,
    /// here or in another process.
    ///
    /// # If a process dies
    ///
    /// As for [`Queue::get`]; and see [`Queue::put_async`].
    pub fn get_async(&self) -> impl Future<Output = Result<T, GetError>> {
        let mut wait = WordWait::default();
        poll_fn(move |context| poll_get(self, &mut wait, context))
    }
}

pub(super) fn poll_get<T: Serialize + DeserializeOwned>(
    queue: &Queue<T>,
    wait: &mut WordWait,
    context: &Context<'_>,
) -> Poll<Result<T, GetError>> {
    let got = match queue.get_or_announce() {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(seen)) => {
            wait.sleep(queue.ring().tail(), seen, Wakes::One, context.waker());
            return Poll::Pending;
        }
        Err(error) => Err(error),
    };
    wait.done();
    Poll::Ready(got)
}

struct Put<T> {
    /// Until the future is ready.
    value: Option<T>,
    /// Once it has been tried.
    encoded: Option<Taken>,
    wait: WordWait,
}

impl<T: Serialize + DeserializeOwned> Put<T> {
    fn poll(&mut self, queue: &Queue<T>, context: &Context<'_>) -> Poll<Result<(), PutError<T>>> {
        // Polled after it was ready: never again.
        let Some(value) = self.value.take() else { return Poll::Pending };
        let put = match queue.put_or_announce(value, &mut self.encoded) {
            Ok(Ok(())) => Ok(()),
            Ok(Err((value, seen))) => {
                self.value = Some(value);
                // A shorter value may have room where this one has not.
                let wakes = if queue.is_full() { Wakes::One } else { Wakes::OneThatFits };
                self.wait.sleep(queue.ring().head(), seen, wakes, context.waker());
                return Poll::Pending;
            }
            Err(error) => Err(error),
        };
        self.encoded = None;
        self.wait.done();
        Poll::Ready(put)
    }
}
