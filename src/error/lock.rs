//! What a lock says when it is not simply obtained.

use std::fmt;

use crate::error::Error;

/// The lock was obtained, but its last owner died or panicked while holding it: the data may be
/// half changed.
///
/// [`Poisoned::into_inner`] gives the guard all the same. The lock stays poisoned, and says so to
/// everyone, until [`Lock::clear_poison`](crate::Lock::clear_poison).
///
/// It is none of the errors that can be handed on, since it holds the guard, and with that a borrow of
/// the lock. So `?` makes [`Error::Poisoned`] of it and unlocks: in a function that gives an [`Error`],
/// and in one that gives a `Box<dyn std::error::Error>`.
///
/// ```
/// use std::error::Error;
/// use multiproc::{Lock, Shared};
///
/// fn add(total: &Shared<Lock<u64>>, n: u64) -> Result<(), multiproc::Error> {
///     *total.lock()? += n;
///     Ok(())
/// }
///
/// fn main() -> Result<(), Box<dyn Error>> {
///     let total = Shared::new(Lock::new(1))?;
///     add(&total, 2)?;
///     assert_eq!(*total.lock()?, 3);
///     Ok(())
/// }
/// ```
///
/// For another error type say it: `total.lock().map_err(multiproc::Error::from)?`.
#[must_use = "the guard is inside: dropping this error unlocks"]
pub struct Poisoned<G> {
    guard: G,
    cause: PoisonCause,
}

/// What happened to the owner of a poisoned lock.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum PoisonCause {
    /// Its thread panicked.
    Panicked,
    /// Its process ended: killed, crashed, or gone without unlocking.
    OwnerDied,
}

impl<G> Poisoned<G> {
    pub(crate) fn new(guard: G, cause: PoisonCause) -> Self {
        Poisoned { guard, cause }
    }

    /// The guard: for whoever can tell that the data is whole, or mends it.
    pub fn into_inner(self) -> G {
        self.guard
    }

    /// The guard, by reference.
    pub fn get_ref(&self) -> &G {
        &self.guard
    }

    /// The guard, by mutable reference.
    pub fn get_mut(&mut self) -> &mut G {
        &mut self.guard
    }

    /// The same, around what `change` makes of the guard.
    pub(crate) fn map<H>(self, change: impl FnOnce(G) -> H) -> Poisoned<H> {
        Poisoned { guard: change(self.guard), cause: self.cause }
    }

    /// What happened to the owner.
    pub fn cause(&self) -> PoisonCause {
        self.cause
    }
}

impl<G> fmt::Debug for Poisoned<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Poisoned").field("cause", &self.cause).finish_non_exhaustive()
    }
}

impl<G> fmt::Display for Poisoned<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Error::Poisoned(self.cause).fmt(f)
    }
}

impl<G> From<Poisoned<G>> for Error {
    fn from(poisoned: Poisoned<G>) -> Self {
        Error::Poisoned(poisoned.cause)
    }
}

impl fmt::Display for PoisonCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            PoisonCause::Panicked => "panicked",
            PoisonCause::OwnerDied => "died",
        })
    }
}

/// Why a lock was not obtained in time, or was obtained poisoned.
#[must_use = "it may hold a guard: dropping this error unlocks"]
pub enum TryLockError<G> {
    /// Obtained, but see [`Poisoned`].
    Poisoned(Poisoned<G>),
    /// Held by another, until now or until the deadline.
    WouldBlock,
}

impl<G> fmt::Debug for TryLockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryLockError::Poisoned(poisoned) => poisoned.fmt(f),
            TryLockError::WouldBlock => f.write_str("WouldBlock"),
        }
    }
}

impl<G> fmt::Display for TryLockError<G> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryLockError::Poisoned(poisoned) => poisoned.fmt(f),
            TryLockError::WouldBlock => Error::WouldBlock.fmt(f),
        }
    }
}

impl<G> From<TryLockError<G>> for Error {
    fn from(error: TryLockError<G>) -> Self {
        match error {
            TryLockError::Poisoned(poisoned) => poisoned.into(),
            TryLockError::WouldBlock => Error::WouldBlock,
        }
    }
}

/// For `?`: what holds a guard is made an [`Error`], which any box takes.
macro_rules! boxed {
    ($($error:ident into $box:ty;)*) => { $(
        impl<G> From<$error<G>> for $box {
            fn from(error: $error<G>) -> Self {
                Error::from(error).into()
            }
        }
    )* };
}

boxed! {
    Poisoned into Box<dyn std::error::Error>;
    Poisoned into Box<dyn std::error::Error + Send + Sync>;
    TryLockError into Box<dyn std::error::Error>;
    TryLockError into Box<dyn std::error::Error + Send + Sync>;
}
