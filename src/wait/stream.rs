//! What comes out of a queue or a pipe, as a stream.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::error::{GetError, RecvError};
use crate::ipc::{Meaning, Queue, Receiver, Source};
use crate::wait::descriptors::DescriptorWait;
use crate::wait::pipe::poll_recv;
use crate::wait::queue::poll_get;
use crate::wait::words::WordWait;

/// What comes out of a [`Queue`] or a [`Receiver`], as a stream for `async` functions. Made by their `stream` and
/// `into_stream` (feature `stream`).
///
/// It gives what [`Incoming`](crate::Incoming) gives, and ends where that ends. Dropping it loses no value.
#[must_use = "nothing is taken until it is polled"]
pub struct IncomingStream<S: AsyncSource> {
    source: S,
    wait: Waits,
    has_ended: bool,
}

impl<S: AsyncSource> IncomingStream<S> {
    fn new(source: S) -> Self {
        IncomingStream { source, wait: Waits::default(), has_ended: false }
    }
}

impl<S: AsyncSource + Unpin> Stream for IncomingStream<S> {
    type Item = Result<S::Value, S::Error>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        let IncomingStream { source, wait, .. } = &mut *self;
        let Poll::Ready(taken) = source.poll_take(wait, context) else { return Poll::Pending };
        let meaning = taken.as_ref().map_or_else(S::meaning, |_| Meaning::GoesOn);
        self.has_ended = matches!(meaning, Meaning::End | Meaning::Trouble);
        Poll::Ready((!matches!(meaning, Meaning::End)).then_some(taken))
    }
}

impl<S: AsyncSource> fmt::Debug for IncomingStream<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IncomingStream").field("has_ended", &self.has_ended).finish_non_exhaustive()
    }
}

/// What a stream waits by: the one or the other.
#[derive(Default)]
pub struct Waits {
    word: WordWait,
    descriptor: DescriptorWait,
}

/// What values come out of. Sealed: [`Queue`] and [`Receiver`], owned or borrowed.
pub trait AsyncSource: Source {
    #[doc(hidden)]
    fn poll_take(
        &self,
        wait: &mut Waits,
        context: &Context<'_>,
    ) -> Poll<Result<Self::Value, Self::Error>>;
}

impl<T: Serialize + DeserializeOwned> AsyncSource for Queue<T> {
    fn poll_take(&self, wait: &mut Waits, context: &Context<'_>) -> Poll<Result<T, GetError>> {
        poll_get(self, &mut wait.word, context)
    }
}

impl<T: DeserializeOwned> AsyncSource for Receiver<T> {
    fn poll_take(&self, wait: &mut Waits, context: &Context<'_>) -> Poll<Result<T, RecvError>> {
        poll_recv(self.end(), &mut wait.descriptor, context)
    }
}

impl<S: AsyncSource> AsyncSource for &S {
    fn poll_take(
        &self,
        wait: &mut Waits,
        context: &Context<'_>,
    ) -> Poll<Result<S::Value, S::Error>> {
        S::poll_take(self, wait, context)
    }
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// The values that are put, as a stream, until the queue is closed and empty.
    pub fn stream(&self) -> IncomingStream<&Self> {
        IncomingStream::new(self)
    }

    /// As [`Queue::stream`], of a queue that the stream keeps.
    pub fn into_stream(self) -> IncomingStream<Self> {
        IncomingStream::new(self)
    }
}

impl<T: DeserializeOwned> Receiver<T> {
    /// The messages that come, as a stream, until nobody can send any more.
    pub fn stream(&self) -> IncomingStream<&Self> {
        IncomingStream::new(self)
    }

    /// As [`Receiver::stream`], of a receiver that the stream keeps.
    pub fn into_stream(self) -> IncomingStream<Self> {
        IncomingStream::new(self)
    }
}
