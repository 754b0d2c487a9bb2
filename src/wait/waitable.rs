//! What can be waited for together with others.

use std::os::fd::{AsFd, BorrowedFd};

use crate::ipc::Queue;
use crate::shm::{ProcessSafe, Shared};
use crate::sync::{BoundedSemaphore, Event, Semaphore};
use crate::sys::Futex;
use crate::wait::words::Wakes;

/// What [`wait_any`](crate::wait_any) waits for:
///
/// | | is ready when |
/// |---|---|
/// | [`Queue`] | [`get`](Queue::get) would not wait: there is a value, or it is closed |
/// | [`Event`] | it is set, or was set since the wait began |
/// | [`Semaphore`], [`BoundedSemaphore`] | a permit is free |
/// | [`Receiver`](crate::Receiver), [`Connection`](crate::Connection) | `recv` would not wait: there is a message, or nobody can send any more |
/// | [`Process`](crate::Process) | it has ended |
/// | [`AsyncResult`](crate::AsyncResult) | the result of a pool's task is there, or the error |
/// | all else that has a descriptor ([`AsFd`]): a socket, a timer | it is readable, or has ended |
///
/// (A [`Sender`](crate::Sender) has nothing to be read, and is ready at once.)
///
/// Whatever lies in a [`Shared`] is waited for as itself. Sealed: there are no others.
pub trait Waitable: Sealed {}

impl<T: Sealed + ?Sized> Waitable for T {}

/// Nobody else can name it.
pub trait Sealed {
    #[doc(hidden)]
    fn source(&self) -> Source<'_>;
}

/// How to wait for it.
pub struct Source<'a>(pub(super) Kind<'a>);

impl<'a> Source<'a> {
    pub(crate) fn of(words: &'a dyn Words) -> Self {
        Source(Kind::Word(words))
    }
}

pub(super) enum Kind<'a> {
    Descriptor(BorrowedFd<'a>),
    Word(&'a dyn Words),
}

impl<T: AsFd> Sealed for T {
    fn source(&self) -> Source<'_> {
        Source(Kind::Descriptor(self.as_fd()))
    }
}

/// A primitive whose word is slept on.
pub(crate) trait Words {
    fn wakes(&self) -> Wakes {
        Wakes::One
    }

    /// `None` when it is ready. If not, a sleeper was announced: the word that it sleeps on, and its value.
    /// `first` is kept from the first look to the last.
    fn look(&self, first: &mut Option<u32>) -> Option<(&Futex, u32)>;
}

impl<T> Words for Queue<T> {
    fn look(&self, _: &mut Option<u32>) -> Option<(&Futex, u32)> {
        Some((self.ring().tail(), self.ring().look()?))
    }
}

impl Words for Event {
    fn wakes(&self) -> Wakes {
        Wakes::All
    }

    fn look(&self, first: &mut Option<u32>) -> Option<(&Futex, u32)> {
        Some((self.word(), Event::look(self, first)?))
    }
}

impl Words for Semaphore {
    fn look(&self, _: &mut Option<u32>) -> Option<(&Futex, u32)> {
        Some((self.word(), Semaphore::look(self)?))
    }
}

impl<T> Sealed for Queue<T> {
    fn source(&self) -> Source<'_> {
        Source(Kind::Word(self))
    }
}

impl Sealed for Event {
    fn source(&self) -> Source<'_> {
        Source(Kind::Word(self))
    }
}

impl Sealed for Semaphore {
    fn source(&self) -> Source<'_> {
        Source(Kind::Word(self))
    }
}

impl Sealed for BoundedSemaphore {
    fn source(&self) -> Source<'_> {
        Source(Kind::Word(self.permits()))
    }
}

impl<T: ProcessSafe + Sealed> Sealed for Shared<T> {
    fn source(&self) -> Source<'_> {
        (**self).source()
    }
}
