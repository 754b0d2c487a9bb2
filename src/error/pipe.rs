//! What sending into and receiving from a pipe can fail with.

use std::fmt;
use std::io;

use crate::error::{CodecError, FileSizeLimit};

/// A value was not sent: here it is again, and why.
pub struct SendError<T> {
    value: T,
    cause: SendCause,
}

/// Why a value was not sent.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SendCause {
    /// Nobody can receive it: all receiving ends are closed, or their processes have ended.
    #[error("nobody is at the other end of the pipe")]
    Disconnected,
    /// The pipe holds as much as it can, and the caller did not want to wait.
    #[error("the pipe is full")]
    Full,
    /// The pipe held as much as it can until the deadline.
    #[error("the pipe was still full when the time was over")]
    TimedOut,
    /// A message travels in memory, and there is not that much of it.
    #[error("a message of {bytes} bytes does not fit into the {max} bytes of memory that are free")]
    TooLarge {
        /// Bytes of the encoded message.
        bytes: usize,
        /// Bytes of memory that the machine could still give.
        max: usize,
    },
    /// A long message travels in a file in memory, and this process may make none of that length.
    #[error(transparent)]
    FileSizeLimit(FileSizeLimit),
    /// The value cannot be encoded.
    #[error("the value cannot be encoded")]
    Encode(#[source] CodecError),
    /// The operating system refused a call.
    #[error("{call} failed")]
    Os {
        /// The call.
        call: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

impl<T> SendError<T> {
    pub(crate) fn new(value: T, cause: SendCause) -> Self {
        SendError { value, cause }
    }

    /// The value that was not sent.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// Why it was not sent.
    pub fn cause(&self) -> &SendCause {
        &self.cause
    }

    /// The value and the cause.
    pub fn into_parts(self) -> (T, SendCause) {
        (self.value, self.cause)
    }
}

impl<T> fmt::Debug for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SendError").field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<T> std::error::Error for SendError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        std::error::Error::source(&self.cause)
    }
}

/// Why nothing was received.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecvError {
    /// The end: all sending ends are closed, or their processes have ended, and everything that
    /// was sent has been received.
    #[error("the pipe has ended: nobody can send any more, and everything sent was received")]
    Closed,
    /// Nothing is there, and the caller did not want to wait.
    #[error("the pipe is empty")]
    Empty,
    /// Nothing came until the deadline.
    #[error("nothing came through the pipe before the time was over")]
    TimedOut,
    /// What came is no value of this type. It is used up: the next message can be received.
    #[error("what came through the pipe cannot be decoded")]
    Decode(#[source] CodecError),
    /// The operating system refused a call.
    #[error("{call} failed")]
    Os {
        /// The call.
        call: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}
