//! An end of a pipe that sends and receives.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::{RecvError, SendError};
use crate::ipc::pipe::end::End;
use crate::sys::Deadline;

/// One end of a [`duplex`](crate::duplex) pipe: sends `A`s, receives `B`s. Clones are the same
/// end.
///
/// # If a process dies
///
/// As for [`Sender`](crate::Sender) and [`Receiver`](crate::Receiver).
pub struct Connection<A, B> {
    end: End,
    values: PhantomData<fn(A) -> B>,
}

impl<A, B> Connection<A, B> {
    pub(crate) fn new(end: End) -> Self {
        Connection { end, values: PhantomData }
    }

    /// For futures.
    pub(crate) fn end(&self) -> &End {
        &self.end
    }

    /// Whether [`recv`](Self::recv) would not wait: a message is there, or the end is. (Another
    /// clone may take the message first.)
    ///
    /// To wait for that without a deadline, see [`wait_any`](crate::wait_any).
    pub fn poll(&self) -> bool {
        self.poll_for(Duration::ZERO)
    }

    /// Waits for at most `timeout` until [`recv`](Self::recv) would not wait; false when it still
    /// would.
    pub fn poll_for(&self, timeout: Duration) -> bool {
        self.end.poll(Deadline::after(timeout))
    }

    /// As [`poll_for`](Self::poll_for), up to a point in time.
    pub fn poll_until(&self, deadline: Instant) -> bool {
        self.end.poll(Deadline::at(deadline))
    }
}

impl<A: Serialize + DeserializeOwned, B> Connection<A, B> {
    /// Sends `value`, waiting for room as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`Sender::send`](crate::Sender::send).
    pub fn send(&self, value: A) -> Result<(), SendError<A>> {
        self.end.send(value, Some(Deadline::Never))
    }

    /// Sends `value` if there is room now.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`Full`](crate::SendCause::Full).
    pub fn try_send(&self, value: A) -> Result<(), SendError<A>> {
        self.end.send(value, None)
    }

    /// Sends `value`, waiting for room for up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TimedOut`](crate::SendCause::TimedOut).
    pub fn send_for(&self, value: A, timeout: Duration) -> Result<(), SendError<A>> {
        self.end.send(value, Some(Deadline::after(timeout)))
    }

    /// Sends `value`, waiting for room until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`send`](Self::send), and [`TimedOut`](crate::SendCause::TimedOut).
    pub fn send_until(&self, value: A, deadline: Instant) -> Result<(), SendError<A>> {
        self.end.send(value, Some(Deadline::at(deadline)))
    }
}

impl<A, B: DeserializeOwned> Connection<A, B> {
    /// Receives the next message, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// As [`Receiver::recv`](crate::Receiver::recv).
    pub fn recv(&self) -> Result<B, RecvError> {
        self.end.recv(Some(Deadline::Never))
    }

    /// Receives the next message if it is there.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`RecvError::Empty`].
    pub fn try_recv(&self) -> Result<B, RecvError> {
        self.end.recv(None)
    }

    /// Receives the next message, waiting for it for up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`RecvError::TimedOut`].
    pub fn recv_for(&self, timeout: Duration) -> Result<B, RecvError> {
        self.end.recv(Some(Deadline::after(timeout)))
    }

    /// Receives the next message, waiting for it until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`RecvError::TimedOut`].
    pub fn recv_until(&self, deadline: Instant) -> Result<B, RecvError> {
        self.end.recv(Some(Deadline::at(deadline)))
    }
}

impl<A, B> Clone for Connection<A, B> {
    fn clone(&self) -> Self {
        Connection::new(self.end.clone())
    }
}

/// For [`wait_any`](crate::wait_any) and for event loops: readable when [`Connection::recv`] would
/// not wait.
impl<A, B> AsFd for Connection<A, B> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

/// Goes to a child as an argument of [`Process::spawn`](crate::Process::spawn), as itself.
impl<A, B> Serialize for Connection<A, B> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.end.serialize(serializer)
    }
}

impl<'de, A, B> Deserialize<'de> for Connection<A, B> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        End::deserialize(deserializer).map(Connection::new)
    }
}

impl<A, B> fmt::Debug for Connection<A, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").finish_non_exhaustive()
    }
}
