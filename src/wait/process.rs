//! Waiting for the end of a process without a thread.

use std::future::poll_fn;
use std::os::fd::AsFd;
use std::task::Poll;

use serde::de::DeserializeOwned;

use crate::error::ProcessError;
use crate::process::{ExitStatus, Process};
use crate::sys::Side;
use crate::wait::descriptors::DescriptorWait;

impl<R> Process<R> {
    /// For an `async` function: waits until it has ended, and gives its [`exit_status`](Process::exit_status),
    /// with `None` where that gives `None` for one that has ended. It can be joined all the same.
    ///
    /// # A future that is dropped
    ///
    /// Nothing is lost: the process goes on, and can be waited for again.
    pub fn wait_async(&self) -> impl Future<Output = Option<ExitStatus>> {
        let mut wait = DescriptorWait::default();
        poll_fn(move |context| {
            if self.has_ended() == Some(false) {
                wait.sleep(self.as_fd(), Side::Receive, context.waker());
                return Poll::Pending;
            }
            wait.done();
            Poll::Ready(self.exit_status())
        })
    }
}

impl<R: DeserializeOwned> Process<R> {
    /// As [`Process::join`], for an `async` function.
    ///
    /// ```
    /// use multiproc::Process;
    ///
    /// let child = Process::spawn(|n: u64| n * n, 12)?;
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// assert_eq!(runtime.block_on(child.join_async())?, 144); // any executor will do
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Process::join`].
    ///
    /// # A future that is dropped
    ///
    /// Nothing is lost: the process goes on, and can be joined again.
    pub fn join_async(&self) -> impl Future<Output = Result<R, ProcessError>> {
        let mut wait = DescriptorWait::default();
        poll_fn(move |context| match self.try_join() {
            Some(joined) => {
                wait.done();
                Poll::Ready(joined)
            }
            None => {
                wait.sleep(self.as_fd(), Side::Receive, context.waker());
                Poll::Pending
            }
        })
    }
}
