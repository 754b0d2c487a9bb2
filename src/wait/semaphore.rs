//! Acquiring a permit without a thread.

use std::future::poll_fn;
use std::task::{Context, Poll};

use crate::sync::{BoundedSemaphore, Permit, Semaphore};
use crate::wait::words::{Wakes, WordWait};

impl Semaphore {
    /// As [`Semaphore::acquire`], for an `async` function.
    ///
    /// ```
    /// use multiproc::Semaphore;
    ///
    /// static CONNECTIONS: Semaphore = Semaphore::new(2);
    ///
    /// async fn answer(request: u32) -> u32 {
    ///     let _permit = CONNECTIONS.acquire_async().await;
    ///     request + 1
    /// }
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// assert_eq!(runtime.block_on(answer(1)), 2);
    /// assert_eq!(CONNECTIONS.value(), 2);
    /// # Ok::<(), std::io::Error>(())
    /// ```
    ///
    /// # A future that is dropped
    ///
    /// It has no permit unless it has given it. Had it been woken for one, another that waits is woken, here or in
    /// another process.
    pub fn acquire_async(&self) -> impl Future<Output = Permit<'_>> {
        let mut wait = WordWait::default();
        poll_fn(move |context| acquire(self, &mut wait, context).map(|()| self.permit(Self::MAX)))
    }
}

impl BoundedSemaphore {
    /// As [`Semaphore::acquire_async`].
    pub fn acquire_async(&self) -> impl Future<Output = Permit<'_>> {
        let (permits, mut wait) = (self.permits(), WordWait::default());
        poll_fn(move |context| {
            acquire(permits, &mut wait, context).map(|()| permits.permit(self.limit()))
        })
    }
}

fn acquire(semaphore: &Semaphore, wait: &mut WordWait, context: &Context<'_>) -> Poll<()> {
    match semaphore.take_or_announce() {
        None => {
            wait.done();
            Poll::Ready(())
        }
        Some(seen) => {
            wait.sleep(semaphore.word(), seen, Wakes::One, context.waker());
            Poll::Pending
        }
    }
}
