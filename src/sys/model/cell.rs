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

    pub(crate) fn get_mut(&self) -> MutPtr<T> {
        MutPtr(self.0.get_mut())
    }

    pub(crate) fn as_mut(&mut self) -> &mut T {
        // SAFETY: the borrow is exclusive.
        self.0.with_mut(|value| unsafe { &mut *value })
    }
}

/// A pointer for exclusive access; the access lasts until it is dropped.
#[derive(Debug)]
pub(crate) struct MutPtr<T>(loom::cell::MutPtr<T>);

impl<T> MutPtr<T> {
    /// # Safety
    /// The protocol gives the caller exclusive access until the pointer is dropped.
    pub(crate) unsafe fn get(&self) -> &T {
        // SAFETY: the caller has the access, and loom checks it.
        unsafe { self.0.deref() }
    }

    /// # Safety
    /// As for [`MutPtr::get`], and no other reference made from this pointer is alive.
    #[allow(clippy::mut_from_ref, reason = "the face of loom's MutPtr")]
    pub(crate) unsafe fn get_mut(&self) -> &mut T {
        // SAFETY: the caller has the access, and loom checks it.
        unsafe { self.0.deref() }
    }
}
