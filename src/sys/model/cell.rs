//! What a lock guards: an access that another may race with fails the model.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::any::TypeId;
use std::cell::{Cell as StdCell, UnsafeCell};
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::marker::PhantomData;
use std::mem::ManuallyDrop;
use std::rc::Rc;

use crate::sys::model::world::{self, Contents, Task};

/// Data that a protocol guards.
#[derive(Debug)]
pub(crate) enum Cell<T> {
    Loom(loom::cell::UnsafeCell<T>),
    Search(Rc<Searched<T>>, Entered),
}

/// The data in a search, where the world looks at it.
pub(crate) struct Searched<T> {
    data: ManuallyDrop<UnsafeCell<T>>,
    /// Who has access. It may have been killed since.
    taken: StdCell<Option<Task>>,
    /// What those knew who changed it: stands for data that is no number. (What is changed through a
    /// shared reference the world sees anyway.)
    history: StdCell<u64>,
}

impl<T> fmt::Debug for Searched<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Searched").finish_non_exhaustive()
    }
}

impl<T> Searched<T> {
    /// Numbers are known by their bytes; anything else, which may have padding or own something, is what
    /// those who changed it made of it.
    fn digest_of_data(&self) -> u64 {
        if !is_number::<T>() {
            return self.history.get();
        }
        let mut hasher = DefaultHasher::new();
        let bytes = self.data.get().cast::<u8>();
        for i in 0..size_of::<T>() {
            // SAFETY: within the value, of which each byte is initialised; the threads of a search are
            // coroutines, so nobody writes now.
            unsafe { bytes.add(i).read() }.hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl<T> Contents for Searched<T> {
    fn digest(&self) -> u64 {
        self.digest_of_data() ^ u64::from(self.taken.get().is_some())
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

/// That the world looks at it.
#[derive(Debug)]
pub(crate) struct Entered(usize);

impl Drop for Entered {
    fn drop(&mut self) {
        world::remove(self.0);
    }
}

impl<T> Cell<T> {
    pub(crate) fn new(value: T) -> Self {
        if !world::is_here() {
            return Cell::Loom(loom::cell::UnsafeCell::new(value));
        }
        let data = Rc::new(Searched {
            data: ManuallyDrop::new(UnsafeCell::new(value)),
            taken: StdCell::new(None),
            history: StdCell::new(0),
        });
        let contents: Rc<dyn Contents + '_> = data.clone();
        // SAFETY: only the lifetime of `T` is lost, and the world is to look at the data no longer
        // than until `Entered` is dropped, which the cell has.
        let contents = unsafe {
            std::mem::transmute::<Rc<dyn Contents + '_>, Rc<dyn Contents + 'static>>(contents)
        };
        let entered = Entered(world::enter(contents));
        Cell::Search(data, entered)
    }

    pub(crate) fn into_inner(self) -> T {
        match self {
            Cell::Loom(cell) => cell.into_inner(),
            Cell::Search(data, entered) => {
                drop(entered);
                let data = Rc::into_inner(data).expect("nobody has access any more");
                ManuallyDrop::into_inner(data.data).into_inner()
            }
        }
    }

    pub(crate) fn access(&self) -> Access<T> {
        match self {
            Cell::Loom(cell) => Access::Loom(cell.get_mut()),
            Cell::Search(data, _) => {
                let me = world::with(|world| {
                    let other = data.taken.replace(Some(world.current()));
                    let is_free = other.is_none_or(|other| !world.lives(other));
                    assert!(is_free || std::thread::panicking(), "two have access");
                    world.current()
                });
                world::observe(data.digest_of_data());
                Access::Search(data.clone(), me, StdCell::new(false))
            }
        }
    }

    pub(crate) fn as_mut(&mut self) -> &mut T {
        match self {
            // SAFETY: the borrow is exclusive.
            Cell::Loom(cell) => cell.with_mut(|value| unsafe { &mut *value }),
            // SAFETY: as above.
            Cell::Search(data, _) => unsafe { &mut *data.data.get() },
        }
    }
}

/// An exclusive access to a cell, until it is dropped.
#[derive(Debug)]
pub(crate) enum Access<T> {
    Loom(loom::cell::MutPtr<T>),
    /// And whether it was given to be changed.
    Search(Rc<Searched<T>>, Task, StdCell<bool>),
}

impl<T> Access<T> {
    /// # Safety
    /// This is an access to `cell`, and the protocol gives the caller exclusive access to that.
    pub(crate) unsafe fn get<'a>(&'a self, _cell: &'a Cell<T>) -> &'a T {
        match self {
            // SAFETY: the caller has the access, and loom checks it.
            Access::Loom(data) => unsafe { data.deref() },
            // SAFETY: the caller has the access, as `taken` has shown.
            Access::Search(data, ..) => unsafe { &*data.data.get() },
        }
    }

    /// # Safety
    /// As for [`Access::get`].
    pub(crate) unsafe fn read_once(&self, cell: &Cell<T>) -> T
    where
        T: Copy,
    {
        // SAFETY: the caller's promise. A model has no peer that keeps to no protocol.
        unsafe { *self.get(cell) }
    }

    /// # Safety
    /// As for [`Access::get`].
    pub(crate) unsafe fn get_mut<'a>(&'a mut self, _cell: &'a Cell<T>) -> &'a mut T {
        match self {
            // SAFETY: the caller has the access, and loom checks it.
            Access::Loom(data) => unsafe { data.deref() },
            Access::Search(data, _, changed) => {
                changed.set(true);
                // SAFETY: the caller has the access, as `taken` has shown.
                unsafe { &mut *data.data.get() }
            }
        }
    }
}

impl<T> Drop for Access<T> {
    fn drop(&mut self) {
        let Access::Search(data, me, changed) = self else { return };
        if data.taken.get() == Some(*me) {
            data.taken.set(None);
        }
        if changed.get() && !is_number::<T>() && !std::thread::panicking() {
            let mut hasher = DefaultHasher::new();
            (data.history.get(), world::memory()).hash(&mut hasher);
            data.history.set(hasher.finish());
        }
    }
}
