//! loom's `UnsafeCell`: an access that another may race with fails the model.

/// Data that a protocol guards.
#[derive(Debug)]
pub(crate) struct Cell<T>(loom::cell::UnsafeCell<T>);

impl<T> Cell<T> {
    pub(crate) fn new(value: T) -> Self {
        Cell(loom::cell::UnsafeCell::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner()
    }

    pub(crate) fn access(&self) -> Access<T> {
        Access(self.0.get_mut())
    }

    pub(crate) fn as_mut(&mut self) -> &mut T {
        // SAFETY: the borrow is exclusive.
        self.0.with_mut(|value| unsafe { &mut *value })
    }
}

/// An exclusive access to a cell, until it is dropped.
#[derive(Debug)]
pub(crate) struct Access<T>(loom::cell::MutPtr<T>);

impl<T> Access<T> {
    /// # Safety
    /// This is an access to `cell`, and the protocol gives the caller exclusive access to that.
    pub(crate) unsafe fn get<'a>(&'a self, _cell: &'a Cell<T>) -> &'a T {
        // SAFETY: the caller has the access, and loom checks it.
        unsafe { self.0.deref() }
    }

    /// # Safety
    /// As for [`Access::get`].
    pub(crate) unsafe fn get_mut<'a>(&'a mut self, _cell: &'a Cell<T>) -> &'a mut T {
        // SAFETY: the caller has the access, and loom checks it.
        unsafe { self.0.deref() }
    }
}
