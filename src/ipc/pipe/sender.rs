//! The end of a pipe that sends.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::SendError;
use crate::ipc::pipe::end::End;
use crate::sys::Deadline;

/// The end of a [`pipe`](crate::pipe()) that sends. Clones send into the same pipe.
///
/// # If a process dies
///
/// A message is sent whole or not at all, whoever is killed when. Once nobody can receive,
/// sending fails with [`Disconnected`](crate::SendCause::Disconnected), without a signal.
pub struct Sender<T> {
    end: End,
    values: PhantomData<fn(T)>,
}

impl<T> Sender<T> {
    pub(crate) fn new(end: End) -> Self {
        Sender { end, values: PhantomData }
    }

    /// For futures.
    pub(crate) fn end(&self) -> &End {
        &self.end
    }
}

impl<T: Serialize + DeserializeOwned> Sender<T> {
    /// Sends `value`, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// Gives the value back when nobody can receive it any more, when it cannot be encoded
    /// (see [what may be sent](crate#what-may-be-sent)), when it does not fit into memory, or when
    /// it is longer than the process may write to a file (`ulimit -f`).
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        self.end.send(value, Some(Deadline::Never))
    }

    /// Sends `value` if there is room now.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Full`](crate::SendCause::Full).
    pub fn try_send(&self, value: T) -> Result<(), SendError<T>> {
        self.end.send(value, None)
    }

    /// Sends `value`, waiting for room for up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TimedOut`](crate::SendCause::TimedOut).
    pub fn send_for(&self, value: T, timeout: Duration) -> Result<(), SendError<T>> {
        self.end.send(value, Some(Deadline::after(timeout)))
    }

    /// Sends `value`, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TimedOut`](crate::SendCause::TimedOut).
    pub fn send_until(&self, value: T, deadline: Instant) -> Result<(), SendError<T>> {
        self.end.send(value, Some(Deadline::at(deadline)))
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        Sender::new(self.end.clone())
    }
}

/// For event loops: writable when [`Sender::send`] of a short message would not wait, or would fail
/// because nobody can receive it. There is nothing to be received: to
/// [`wait_any`](crate::wait_any), which waits for that, a sender is ready at once.
///
/// ```
/// use rustix::event::{PollFd, PollFlags, poll};
///
/// let (_receiver, sender) = multiproc::pipe::<u8>()?;
/// let mut room = [PollFd::new(&sender, PollFlags::OUT)];
/// assert_eq!(poll(&mut room, None)?, 1);
/// sender.try_send(1)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
impl<T> AsFd for Sender<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

/// Goes to a child as an argument of [`Process::spawn`](crate::Process::spawn), as itself.
impl<T> Serialize for Sender<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.end.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Sender<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        End::deserialize(deserializer).map(Sender::new)
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").finish_non_exhaustive()
    }
}
