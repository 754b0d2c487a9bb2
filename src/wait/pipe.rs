//! Sending and receiving without a thread.

use std::future::poll_fn;
use std::os::fd::AsFd;
use std::task::{Context, Poll};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{RecvError, SendError};
use crate::ipc::{Connection, End, Receiver, Sender};
use crate::sys::{Packet, Side};
use crate::wait::descriptors::DescriptorWait;

impl<T: Serialize + DeserializeOwned> Sender<T> {
    /// As [`Sender::send`], for an `async` function: waits for room without a thread.
    ///
    /// # Errors
    ///
    /// As for [`Sender::send`].
    ///
    /// # A future that is dropped
    ///
    /// The message was sent, all of it, if the future was ready; if not, nothing of it, and the value is dropped
    /// with the future.
    pub fn send_async(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
        send(self.end(), value)
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// As [`Receiver::recv`], for an `async` function: waits for a message without a thread.
    ///
    /// ```
    /// let (receiver, sender) = multiproc::pipe::<u32>()?;
    /// std::thread::spawn(move || sender.send(7));
    /// # let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    /// assert_eq!(runtime.block_on(receiver.recv_async())?, 7); // any executor will do
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`Receiver::recv`].
    ///
    /// # A future that is dropped
    ///
    /// It has taken no message unless it has given it.
    pub fn recv_async(&self) -> impl Future<Output = Result<T, RecvError>> {
        recv(self.end())
    }
}

impl<A: Serialize + DeserializeOwned, B> Connection<A, B> {
    /// As [`Sender::send_async`].
    ///
    /// # Errors
    ///
    /// As for [`Sender::send`].
    pub fn send_async(&self, value: A) -> impl Future<Output = Result<(), SendError<A>>> {
        send(self.end(), value)
    }
}

impl<A, B: DeserializeOwned> Connection<A, B> {
    /// As [`Receiver::recv_async`].
    ///
    /// # Errors
    ///
    /// As for [`Receiver::recv`].
    pub fn recv_async(&self) -> impl Future<Output = Result<B, RecvError>> {
        recv(self.end())
    }
}

fn recv<T: DeserializeOwned>(end: &End) -> impl Future<Output = Result<T, RecvError>> {
    let mut wait = DescriptorWait::default();
    poll_fn(move |context| poll_recv(end, &mut wait, context))
}

pub(super) fn poll_recv<T: DeserializeOwned>(
    end: &End,
    wait: &mut DescriptorWait,
    context: &Context<'_>,
) -> Poll<Result<T, RecvError>> {
    match end.recv(None) {
        Err(RecvError::Empty) => {
            sleep(end, Side::Receive, wait, context);
            Poll::Pending
        }
        received => {
            wait.done();
            Poll::Ready(received)
        }
    }
}

fn send<T: Serialize + DeserializeOwned>(
    end: &End,
    value: T,
) -> impl Future<Output = Result<(), SendError<T>>> {
    // The value until it is ready; the packet once it has been tried.
    let (mut value, mut packet): (_, Option<Packet>) = (Some(value), None);
    let mut wait = DescriptorWait::default();
    poll_fn(move |context| {
        // Polled after it was ready: never again.
        let Some(unsent) = value.take() else { return Poll::Pending };
        let sent = match end.send_attempt(unsent, &mut packet) {
            Ok(None) => Ok(()),
            Ok(unsent) => {
                value = unsent;
                sleep(end, Side::Send, &mut wait, context);
                return Poll::Pending;
            }
            Err(error) => Err(error),
        };
        packet = None;
        wait.done();
        Poll::Ready(sent)
    })
}

fn sleep(end: &End, side: Side, wait: &mut DescriptorWait, context: &Context<'_>) {
    if end.sleeps_here(side) {
        context.waker().wake_by_ref();
    } else {
        wait.sleep(end.as_fd(), side, context.waker());
    }
}
