//! Waiting for an event without a thread.

use std::future::poll_fn;
use std::task::Poll;

use crate::sync::Event;
use crate::wait::words::{Wakes, WordWait};

impl Event {
    /// As [`Event::wait`], for an `async` function: the future is ready when the event is set. Its wait begins when
    /// it is polled first: a set that is cleared after that has released it.
    ///
    /// ```
    /// use multiproc::{Event, Shared};
    ///
    /// let ready = Shared::new(Event::new())?;
    /// let worker = ready.clone();
    /// let wait = async move { ready.wait_async().await };
    /// std::thread::spawn(move || worker.set());
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// runtime.block_on(wait); // any executor will do
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # A future that is dropped
    ///
    /// Nothing is lost: it has changed nothing.
    pub fn wait_async(&self) -> impl Future<Output = ()> {
        let (mut first, mut wait) = (None, WordWait::default());
        poll_fn(move |context| match self.look(&mut first) {
            None => {
                wait.done();
                Poll::Ready(())
            }
            Some(seen) => {
                wait.sleep(self.word(), seen, Wakes::All, context.waker());
                Poll::Pending
            }
        })
    }
}
