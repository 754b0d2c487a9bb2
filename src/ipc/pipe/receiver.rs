//! The end of a pipe that receives.

use std::fmt;
use std::marker::PhantomData;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::error::RecvError;
use crate::ipc::pipe::end::End;
use crate::sys::Deadline;

/// The end of a [`pipe`](crate::pipe()) that receives. Clones receive from the same pipe: each
/// message comes to one of them.
///
/// # If a process dies
///
/// Everything that was sent can be received. Once nobody can send, the rest is received, and then
/// [`Closed`](RecvError::Closed) is.
pub struct Receiver<T> {
    end: End,
    values: PhantomData<fn() -> T>,
}

impl<T> Receiver<T> {
    pub(crate) fn new(end: End) -> Self {
        Receiver { end, values: PhantomData }
    }

    /// For futures.
    pub(crate) fn end(&self) -> &End {
        &self.end
    }

    /// Whether [`recv`](Self::recv) would not wait: a message is there, or the end is. (Another
    /// clone may take the message first.)
    ///
    /// To wait for that without a deadline, see [`wait_any`](crate::wait_any).
    ///
    /// ```
    /// use std::time::Duration;
    ///
    /// let (receiver, sender) = multiproc::pipe::<u8>()?;
    /// assert!(!receiver.poll());
    /// sender.send(1)?;
    /// assert!(receiver.poll_for(Duration::from_secs(5)));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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

impl<T> Receiver<T> {
    /// Receives what was sent until now, by any clone, and then sees the end; nobody can send any more.
    pub(crate) fn hang_up(&self) -> Result<(), RecvError> {
        self.end.stop_receiving()
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// Receives the next message, waiting for it as long as it takes.
    ///
    /// # Errors
    ///
    /// [`RecvError::Closed`] at the end, [`RecvError::Decode`] when what came is not a `T`, which
    /// uses it up.
    pub fn recv(&self) -> Result<T, RecvError> {
        self.end.recv(Some(Deadline::Never))
    }

    /// Receives the next message if it is there.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`RecvError::Empty`].
    pub fn try_recv(&self) -> Result<T, RecvError> {
        self.end.recv(None)
    }

    /// Receives the next message, waiting for it for up to `timeout`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`RecvError::TimedOut`].
    pub fn recv_for(&self, timeout: Duration) -> Result<T, RecvError> {
        self.end.recv(Some(Deadline::after(timeout)))
    }

    /// Receives the next message, waiting for it until `deadline`.
    ///
    /// # Errors
    ///
    /// As [`recv`](Self::recv), and [`RecvError::TimedOut`].
    pub fn recv_until(&self, deadline: Instant) -> Result<T, RecvError> {
        self.end.recv(Some(Deadline::at(deadline)))
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        Receiver::new(self.end.clone())
    }
}

/// For [`wait_any`](crate::wait_any) and for event loops: readable when [`Receiver::recv`] would
/// not wait.
impl<T> AsFd for Receiver<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.end.as_fd()
    }
}

/// Goes to a child as an argument of [`Process::spawn`](crate::Process::spawn), as itself.
impl<T> Serialize for Receiver<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.end.serialize(serializer)
    }
}

impl<'de, T> Deserialize<'de> for Receiver<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        End::deserialize(deserializer).map(Receiver::new)
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").finish_non_exhaustive()
    }
}
