//! `UnsafeCell` with the face that loom's has, so that accesses can be tracked in a model.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::UnsafeCell;
use std::marker::PhantomData;

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
    /// Begins an exclusive access, which lasts until what this gives is dropped.
    #[inline(always)]
    pub(crate) fn access(&self) -> Access<T> {
        Access(PhantomData)
    }

    /// Exclusive access without any protocol: the borrow proves it.
    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }
}

/// An exclusive access to a cell. Nothing here: only a model wants to know how long it lasts, and a
/// guard without a pointer more is a guard that fits into registers.
#[derive(Debug)]
pub(crate) struct Access<T>(PhantomData<*mut T>);

impl<T> Access<T> {
    /// # Safety
    /// This is an access to `cell`, and the protocol gives the caller exclusive access to that.
    #[inline(always)]
    pub(crate) unsafe fn get<'a>(&'a self, cell: &'a Cell<T>) -> &'a T {
        // SAFETY: the cell is alive, and the caller has the access.
        unsafe { &*cell.0.get() }
    }

    /// A copy, for which each byte is read once.
    ///
    /// # Safety
    /// As for [`Access::get`].
    #[inline]
    pub(crate) unsafe fn read_once(&self, cell: &Cell<T>) -> T
    where
        T: Copy,
    {
        // SAFETY: the cell is alive, and the caller has the access. Volatile: a peer that keeps to no
        // protocol may write there meanwhile, and what is read is not to be read again.
        unsafe { cell.0.get().read_volatile() }
    }

    /// # Safety
    /// As for [`Access::get`].
    #[inline(always)]
    pub(crate) unsafe fn get_mut<'a>(&'a mut self, cell: &'a Cell<T>) -> &'a mut T {
        // SAFETY: the cell is alive, and the caller has the access.
        unsafe { &mut *cell.0.get() }
    }
}
