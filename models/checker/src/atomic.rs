//! Atomic numbers of all widths.

use std::marker::PhantomData;
use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::executor::{Access, AtomicObject, Change, executor};
use crate::mutants;
use crate::trace::Label;

mod sealed {
    /// A number that an atomic can hold.
    pub trait Number: Copy + Eq {
        const BITS: u32;

        fn bits(self) -> u64;
        fn of(bits: u64) -> Self;
    }
}
pub(crate) use sealed::Number;

macro_rules! numbers {
    ($($type:ty, $unsigned:ty: $name:ident),* $(,)?) => { $(
        impl Number for $type {
            const BITS: u32 = <$type>::BITS;

            fn bits(self) -> u64 {
                u64::from(self as $unsigned)
            }

            fn of(bits: u64) -> Self {
                bits as $type
            }
        }

        #[doc = concat!("As std's atomic [`", stringify!($type), "`]: each access is a step of the model.")]
        pub type $name = Atomic<$type>;
    )* };
}

numbers! {
    u8, u8: AtomicU8, u16, u16: AtomicU16, u32, u32: AtomicU32, u64, u64: AtomicU64,
    i8, u8: AtomicI8, i16, u16: AtomicI16, i32, u32: AtomicI32, i64, u64: AtomicI64,
}

/// An atomic number: each access to it is a step of the model. Its methods are those of std's atomics.
#[derive(Debug)]
pub struct Atomic<T> {
    object: Box<dyn AtomicObject>,
    number: PhantomData<T>,
}

impl<T: Number> Atomic<T> {
    /// An atomic that holds `value`.
    #[track_caller]
    pub fn new(value: T) -> Self {
        let label = Label::next(Location::caller());
        let object = executor().atomic(value.bits(), T::BITS, label);
        Atomic { object, number: PhantomData }
    }

    pub(crate) fn object(&self) -> &dyn AtomicObject {
        &*self.object
    }

    #[track_caller]
    fn access(&self, what: &'static str, change: Change, order: Ordering) -> T {
        let order = mutants::ordering(what, order);
        let (change, order) = match change {
            Change::None => (change, order),
            _ if mutants::writes(what) => (change, order),
            // A load is not to be Release.
            Change::Store(_) => (Change::None, Ordering::Relaxed),
            _ => (Change::Or(0), order),
        };
        let (failure, at) = (order, Location::caller());
        T::of(self.object.access(Access { what, change, order, failure, at }))
    }

    /// As std's.
    #[track_caller]
    pub fn load(&self, order: Ordering) -> T {
        self.access("load", Change::None, order)
    }

    /// As std's.
    #[track_caller]
    pub fn store(&self, value: T, order: Ordering) {
        self.access("store", Change::Store(value.bits()), order);
    }

    /// As std's.
    #[track_caller]
    pub fn swap(&self, value: T, order: Ordering) -> T {
        self.access("swap", Change::Swap(value.bits()), order)
    }

    /// As std's.
    #[track_caller]
    pub fn fetch_add(&self, more: T, order: Ordering) -> T {
        self.access("add", Change::Add(more.bits()), order)
    }

    /// As std's.
    #[track_caller]
    pub fn fetch_and(&self, mask: T, order: Ordering) -> T {
        self.access("and", Change::And(mask.bits()), order)
    }

    /// As std's.
    #[track_caller]
    pub fn fetch_or(&self, mask: T, order: Ordering) -> T {
        self.access("or", Change::Or(mask.bits()), order)
    }

    /// As std's.
    ///
    /// # Errors
    ///
    /// With the value, when that is not `old`.
    #[track_caller]
    pub fn compare_exchange(
        &self,
        old: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        let what = "exchange";
        let order = mutants::ordering(what, success);
        let failure = mutants::failure_ordering(what, failure);
        let new = if mutants::writes(what) { new } else { old };
        let seen = T::of(self.object.access(Access {
            what,
            change: Change::Exchange { old: old.bits(), new: new.bits() },
            order,
            failure,
            at: Location::caller(),
        }));
        if seen == old { Ok(seen) } else { Err(seen) }
    }
}
