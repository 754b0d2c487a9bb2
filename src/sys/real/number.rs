//! A number in an atomic, made in a const.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::UnsafeCell;

use crate::sys::Atomic;

/// A number that is reached through its atomic alone. It is kept as what it is, since a generic
/// number cannot be turned into its atomic in a const.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Number<T>(UnsafeCell<T>);

// SAFETY: it is reached through the atomic.
unsafe impl<T: Send> Sync for Number<T> {}

impl<T: Atomic> Number<T> {
    pub(crate) const fn new(value: T) -> Self {
        Number(UnsafeCell::new(value))
    }

    #[inline]
    pub(crate) fn atom(&self) -> &T::Atom {
        // SAFETY: of the same size, alignment and bits (`Atomic`), inside an UnsafeCell, and never
        // reached in another way, in any process that maps it.
        unsafe { &*self.0.get().cast() }
    }
}
