//! What a queue refuses.

use std::fmt;

use crate::error::CodecError;

/// Why a value was not put into a [`Queue`](crate::Queue): it comes back with the error.
#[non_exhaustive]
pub enum PutError<T> {
    /// There is no room at this moment.
    Full(T),
    /// There was no room until the deadline.
    TimedOut(T),
    /// The queue is closed.
    Closed(T),
    /// The value is larger than the whole queue.
    TooLarge {
        /// What was to be put.
        value: T,
        /// Bytes of its encoding.
        size: usize,
        /// Bytes that the queue has.
        max: usize,
    },
    /// The value cannot be encoded.
    Encode {
        /// What was to be put.
        value: T,
        /// Why not.
        source: CodecError,
    },
    /// The queue's memory was written to by something else than this crate.
    Corrupt(T),
}

impl<T> PutError<T> {
    /// The value that was not put.
    pub fn into_inner(self) -> T {
        self.into_value()
    }

    /// The same as [`into_inner`](Self::into_inner), which is what the other errors call it.
    pub fn into_value(self) -> T {
        match self {
            PutError::Full(value)
            | PutError::TimedOut(value)
            | PutError::Closed(value)
            | PutError::Corrupt(value)
            | PutError::TooLarge { value, .. }
            | PutError::Encode { value, .. } => value,
        }
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutError::Full(_) => f.write_str("Full(..)"),
            PutError::TimedOut(_) => f.write_str("TimedOut(..)"),
            PutError::Closed(_) => f.write_str("Closed(..)"),
            PutError::Corrupt(_) => f.write_str("Corrupt(..)"),
            PutError::TooLarge { size, max, .. } => f
                .debug_struct("TooLarge")
                .field("size", size)
                .field("max", max)
                .finish_non_exhaustive(),
            PutError::Encode { source, .. } => {
                f.debug_struct("Encode").field("source", source).finish_non_exhaustive()
            }
        }
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PutError::Full(_) => f.write_str("the queue is full"),
            PutError::TimedOut(_) => f.write_str("the queue had no room in time"),
            PutError::Closed(_) => f.write_str("the queue is closed: nothing can be put any more"),
            PutError::Corrupt(_) => f.write_str(CORRUPT),
            PutError::TooLarge { size, max, .. } => write!(
                f,
                "a message of {size} bytes can never be put into a queue of {max} bytes: make the \
                 queue with Queue::with_bytes"
            ),
            PutError::Encode { .. } => f.write_str("the value cannot be encoded"),
        }
    }
}

impl<T> std::error::Error for PutError<T> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PutError::Encode { source, .. } => Some(source),
            _ => None,
        }
    }
}

/// Why no value was taken from a [`Queue`](crate::Queue).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GetError {
    /// There is none at this moment.
    #[error("the queue is empty")]
    Empty,
    /// There was none until the deadline.
    #[error("the queue had nothing in time")]
    TimedOut,
    /// The queue is closed, and every value was taken.
    #[error("the queue is closed and empty")]
    Closed,
    /// A message was taken that is no value of this type.
    #[error("the message cannot be decoded")]
    Decode(#[source] CodecError),
    /// The queue's memory was written to by something else than this crate.
    #[error("{CORRUPT}")]
    Corrupt,
}

const CORRUPT: &str = "the queue's memory is corrupt: something else than this crate wrote there";

/// More values were reported as done than were put.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("task_done was called more often than values were put")]
pub struct TooManyDone;
