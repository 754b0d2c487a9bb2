//! `UnsafeCell` with the face that loom's has, so that accesses can be tracked in a model.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::UnsafeCell;

/// Data that a protocol guards.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Cell<T>(UnsafeCell<T>);

impl<T> Cell<T> {
    pub(crate) const fn new(value: T) -> Self {
        Cell(UnsafeCell::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T> Cell<T> {
    /// A pointer for exclusive access, for as long as it is held.
    #[inline]
    pub(crate) fn get_mut(&self) -> MutPtr<T> {
        MutPtr(self.0.get())
    }

    /// Exclusive access without any protocol: the borrow proves it.
    pub(crate) fn as_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// A pointer for exclusive access; a model takes its lifetime for the time of the access.
#[derive(Debug)]
pub(crate) struct MutPtr<T>(*mut T);

impl<T> MutPtr<T> {
    /// # Safety
    /// The protocol gives the caller exclusive access until the pointer is dropped.
    #[inline]
    pub(crate) unsafe fn get(&self) -> &T {
        // SAFETY: the pointer comes from a live cell, and the caller has the access.
        unsafe { &*self.0 }
    }

    /// # Safety
    /// As for [`MutPtr::get`], and no other reference made from this pointer is alive.
    #[allow(clippy::mut_from_ref, reason = "the face of loom's MutPtr")]
    #[inline]
    pub(crate) unsafe fn get_mut(&self) -> &mut T {
        // SAFETY: the pointer comes from a live cell, and the caller has the access.
        unsafe { &mut *self.0 }
    }
}
