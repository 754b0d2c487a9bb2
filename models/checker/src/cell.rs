//! Data of any type that a protocol guards.
#![allow(clippy::disallowed_types, reason = "the cell itself")]

use std::any::TypeId;
use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

use crate::executor::{CellAccess, CellData, CellObject, executor};

/// Data that a protocol guards, as an `UnsafeCell`: two accesses at once fail the model.
#[derive(Debug)]
pub struct Cell<T> {
    /// Until the cell is dropped.
    object: Option<Box<dyn CellObject>>,
    /// From a `Box`. It stays in its place when the cell moves: the executor looks at it.
    data: NonNull<UnsafeCell<T>>,
    owns: PhantomData<T>,
}

impl<T> Cell<T> {
    /// A cell with this value.
    pub fn new(value: T) -> Self {
        let data = NonNull::from(Box::leak(Box::new(UnsafeCell::new(value))));
        // Anything but a number may have padding, or own something.
        let len = is_number::<T>().then_some(size_of::<T>());
        let bytes = data.as_ptr().cast();
        let object = Some(executor().cell(CellData { bytes, len }));
        Cell { object, data, owns: PhantomData }
    }

    fn object(&self) -> &dyn CellObject {
        self.object.as_deref().expect("the cell is not yet dropped")
    }

    /// The value.
    pub fn into_inner(self) -> T {
        let mut cell = ManuallyDrop::new(self);
        // Before the data: the executor looks at it no longer.
        cell.object = None;
        // SAFETY: from a `Box`, and the cell is not dropped.
        unsafe { Box::from_raw(cell.data.as_ptr()) }.into_inner()
    }

    /// Begins an exclusive access, which lasts until what this gives is dropped.
    pub fn access(&self) -> Access<T> {
        Access { access: self.object().access(), cell: PhantomData }
    }

    /// Exclusive access without any protocol: the borrow proves it.
    pub fn get_mut(&mut self) -> &mut T {
        self.object().access_alone();
        // SAFETY: the data lives as long as the cell, and the borrow is exclusive.
        unsafe { self.data.as_mut() }.get_mut()
    }
}

impl<T> Drop for Cell<T> {
    fn drop(&mut self) {
        // Before the data: the executor looks at it no longer.
        self.object = None;
        // SAFETY: from a `Box`, which nothing else drops.
        drop(unsafe { Box::from_raw(self.data.as_ptr()) });
    }
}

/// An exclusive access to a cell, until it is dropped.
#[derive(Debug)]
pub struct Access<T> {
    access: Box<dyn CellAccess>,
    cell: PhantomData<*mut T>,
}

impl<T> Access<T> {
    /// The data.
    ///
    /// # Safety
    /// This is an access to `cell`, and the protocol gives the caller exclusive access to that.
    pub unsafe fn get<'a>(&'a self, cell: &'a Cell<T>) -> &'a T {
        // SAFETY: the data lives as long as the cell, and the caller has the access.
        unsafe { &*cell.data.as_ref().get() }
    }

    /// A copy of the data. (In a model nobody writes meanwhile who keeps to no protocol.)
    ///
    /// # Safety
    /// As for [`Access::get`].
    pub unsafe fn read_once(&self, cell: &Cell<T>) -> T
    where
        T: Copy,
    {
        // SAFETY: the caller's promise.
        unsafe { *self.get(cell) }
    }

    /// The data, to be changed.
    ///
    /// # Safety
    /// As for [`Access::get`].
    pub unsafe fn get_mut<'a>(&'a mut self, cell: &'a Cell<T>) -> &'a mut T {
        self.access.changes();
        // SAFETY: as for `get`.
        unsafe { &mut *cell.data.as_ref().get() }
    }
}

/// Whether a `T` is nothing, or a number: then no byte of it is padding.
fn is_number<T>() -> bool {
    trait Typed {
        fn id(&self) -> TypeId
        where
            Self: 'static;
    }
    impl<T> Typed for PhantomData<T> {
        fn id(&self) -> TypeId
        where
            Self: 'static,
        {
            TypeId::of::<T>()
        }
    }
    fn is<U: 'static>(id: TypeId) -> bool {
        id == TypeId::of::<U>()
    }
    let of_t = PhantomData::<T>;
    let of_t: &dyn Typed = &of_t;
    // SAFETY: only the lifetimes in `T` are lost, and nothing is done but to name the type: one with
    // lifetimes is no number, whatever they are.
    let id = unsafe { std::mem::transmute::<&dyn Typed, &(dyn Typed + 'static)>(of_t) }.id();
    let unsigned = [is::<u8>, is::<u16>, is::<u32>, is::<u64>, is::<u128>, is::<usize>];
    let signed = [is::<i8>, is::<i16>, is::<i32>, is::<i64>, is::<i128>, is::<isize>];
    let others = [is::<()>, is::<bool>, is::<char>, is::<f32>, is::<f64>];
    unsigned.iter().chain(&signed).chain(&others).any(|is| is(id))
}
