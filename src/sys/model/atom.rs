//! An atomic number of a model: loom's, or a word of the search.

use std::panic::Location;
use std::ptr;
use std::sync::{Mutex, PoisonError};

use multiproc_checker::mutants;

use crate::sys::Ordering;
use crate::sys::model::strand;
use crate::sys::model::thread::me;
use crate::sys::model::trace::{self, Action, Label};
use crate::sys::model::word::loads_latest;
use crate::sys::model::world::{self, Var};

/// A number that an atomic can hold.
pub trait Bits: Copy + Eq {
    type Loom;
    /// Stands in hardly any atomic. One that is compared with it, and exchanged for it, stays as it is.
    const NEVER: Self;

    fn bits(self) -> u64;
    fn of(bits: u64) -> Self;
    fn plus(self, more: Self) -> Self;

    fn loom(self) -> Self::Loom;
    fn load(atom: &Self::Loom, order: Ordering) -> Self;
    fn store(atom: &Self::Loom, value: Self, order: Ordering);
    fn swap(atom: &Self::Loom, value: Self, order: Ordering) -> Self;
    fn add(atom: &Self::Loom, more: Self, order: Ordering) -> Self;
    fn and(atom: &Self::Loom, mask: Self, order: Ordering) -> Self;
    fn or(atom: &Self::Loom, mask: Self, order: Ordering) -> Self;
    fn exchange(
        atom: &Self::Loom,
        old_and_new: (Self, Self),
        success: Ordering,
        failure: Ordering,
    ) -> Result<Self, Self>;
}

macro_rules! bits {
    ($($type:ty, $unsigned:ty: $loom:ident),* $(,)?) => { $(
        impl Bits for $type {
            type Loom = loom::sync::atomic::$loom;
            const NEVER: Self = <$unsigned>::MAX as $type;

            fn bits(self) -> u64 {
                u64::from(self as $unsigned)
            }

            fn of(bits: u64) -> Self {
                bits as $type
            }

            fn plus(self, more: Self) -> Self {
                self.wrapping_add(more)
            }

            fn loom(self) -> Self::Loom {
                Self::Loom::new(self)
            }

            fn load(atom: &Self::Loom, order: Ordering) -> Self {
                atom.load(order)
            }

            fn store(atom: &Self::Loom, value: Self, order: Ordering) {
                atom.store(value, order);
            }

            fn swap(atom: &Self::Loom, value: Self, order: Ordering) -> Self {
                atom.swap(value, order)
            }

            fn add(atom: &Self::Loom, more: Self, order: Ordering) -> Self {
                atom.fetch_add(more, order)
            }

            fn and(atom: &Self::Loom, mask: Self, order: Ordering) -> Self {
                atom.fetch_and(mask, order)
            }

            fn or(atom: &Self::Loom, mask: Self, order: Ordering) -> Self {
                atom.fetch_or(mask, order)
            }

            fn exchange(
                atom: &Self::Loom,
                (old, new): (Self, Self),
                success: Ordering,
                failure: Ordering,
            ) -> Result<Self, Self> {
                atom.compare_exchange(old, new, success, failure)
            }
        }
    )* };
}

bits! {
    u8, u8: AtomicU8, u16, u16: AtomicU16, u32, u32: AtomicU32, u64, u64: AtomicU64,
    i8, u8: AtomicI8, i16, u16: AtomicI16, i32, u32: AtomicI32, i64, u64: AtomicI64,
}

/// Which threads have written, and whether one of them by a plain store: where such a write is in no order
/// with another's, either is the latest for loom.
#[derive(Debug, Default)]
pub struct Writers(Mutex<(u64, bool)>);

impl Writers {
    fn enter(&self, stores: bool) {
        let mut writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writers.0 |= 1 << me();
        writers.1 |= stores;
    }

    /// Whether there can be only one latest value.
    fn agree(&self) -> bool {
        let (who, stores) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !stores || who.count_ones() < 2
    }
}

#[derive(Debug)]
pub enum Atom<T: Bits> {
    Loom(T::Loom, Label, Writers),
    Search(Var),
}

impl<T: Bits> Atom<T> {
    #[track_caller]
    pub(crate) fn new(value: T) -> Self {
        Self::made(value, Location::caller())
    }

    pub(super) fn made(value: T, at: &'static Location<'static>) -> Self {
        let label = Label::next(at);
        if world::is_here() {
            Atom::Search(world::make(value.bits(), label))
        } else {
            Atom::Loom(value.loom(), label, Writers::default())
        }
    }

    /// An access by which the word is written, by either engine: gives what it was.
    #[track_caller]
    pub(super) fn access(
        &self,
        what: &'static str,
        loom: impl FnOnce(&T::Loom) -> T,
        change: impl Fn(T) -> T,
    ) -> T {
        if let Atom::Loom(.., writers) = self {
            writers.enter(false);
        }
        self.touch(what, loom, change)
    }

    /// As [`Atom::access`], or one that only reads.
    #[track_caller]
    fn touch(
        &self,
        what: &'static str,
        loom: impl FnOnce(&T::Loom) -> T,
        change: impl Fn(T) -> T,
    ) -> T {
        let at = Location::caller();
        match self {
            Atom::Search(var) => T::of(world::access(*var, what, at, |word| {
                let before = T::of(*word);
                *word = change(before).bits();
                before.bits()
            })),
            Atom::Loom(atom, label, writers) => {
                let seen = strand::step(writers.agree(), || loom(atom));
                self.tell(what, *label, seen, change(seen), at);
                seen
            }
        }
    }

    pub(super) fn address(&self) -> *const () {
        ptr::from_ref(self).cast()
    }

    fn tell(
        &self,
        what: &'static str,
        var: Label,
        before: T,
        after: T,
        at: &'static Location<'static>,
    ) {
        if trace::is_on() {
            let (before, after) = (before.bits(), after.bits());
            trace::note(me(), Action::Access { var, what, before, after, seen: before, at });
        }
    }

    #[track_caller]
    pub(crate) fn load(&self, order: Ordering) -> T {
        let order = mutants::ordering("load", order);
        if loads_latest() || strand::loads_at_once(self.address()) {
            return self.latest("load", order);
        }
        self.touch("load", |atom| T::load(atom, order), |value| value)
    }

    /// The latest value, by a step that stores nothing.
    #[track_caller]
    pub(crate) fn latest(&self, what: &'static str, order: Ordering) -> T {
        let latest = |atom: &T::Loom| match T::exchange(atom, (T::NEVER, T::NEVER), order, order) {
            Ok(value) | Err(value) => value,
        };
        self.touch(what, latest, |value| value)
    }

    #[track_caller]
    pub(crate) fn store(&self, value: T, order: Ordering) {
        let order = mutants::ordering("store", order);
        if !mutants::writes("store") {
            self.latest("store", Ordering::Relaxed);
            return;
        }
        let at = Location::caller();
        match self {
            Atom::Search(var) => {
                // What it was, nobody sees.
                world::access(*var, "store", at, |word| {
                    *word = value.bits();
                    value.bits()
                });
            }
            Atom::Loom(atom, label, writers) => {
                writers.enter(true);
                strand::step(true, || T::store(atom, value, order));
                self.tell("store", *label, value, value, at);
            }
        }
    }

    #[track_caller]
    pub(crate) fn swap(&self, value: T, order: Ordering) -> T {
        let order = mutants::ordering("swap", order);
        self.access("swap", |atom| T::swap(atom, value, order), |_| value)
    }

    #[track_caller]
    pub(crate) fn fetch_add(&self, more: T, order: Ordering) -> T {
        let order = mutants::ordering("fetch_add", order);
        self.access("add", |atom| T::add(atom, more, order), |value| value.plus(more))
    }

    #[track_caller]
    pub(crate) fn compare_exchange(
        &self,
        old: T,
        new: T,
        success: Ordering,
        failure: Ordering,
    ) -> Result<T, T> {
        let success = mutants::ordering("compare_exchange", success);
        let failure = mutants::failure_ordering("compare_exchange", failure);
        let new = if mutants::writes("compare_exchange") { new } else { old };
        let exchange = |atom: &T::Loom| match T::exchange(atom, (old, new), success, failure) {
            Ok(value) | Err(value) => value,
        };
        let change = |value| if value == old { new } else { value };
        let seen = self.access("exchange", exchange, change);
        if seen == old { Ok(seen) } else { Err(seen) }
    }
}
