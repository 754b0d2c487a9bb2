//! What a shared array and a shared value can hold, and how it is read and written.

use std::mem::MaybeUninit;

use crate::shm::ProcessSafe;
use crate::sys::{self, Atomic, Ordering::*};

/// A number that a [`SharedArray`](crate::SharedArray) or a [`Value`](crate::Value) can hold: `u8` to
/// `u64`, `i8` to `i64`, `f32` and `f64`. The trait is sealed: an element is as large as an atomic of
/// the machine.
pub trait Element: Atomic + ProcessSafe + Copy + Send + Sync + 'static {}

macro_rules! elements {
    ($($type:ty),*) => { $(impl Element for $type {})* };
}

elements!(u8, u16, u32, u64, i8, i16, i32, i64, f32, f64);

#[inline]
pub(crate) fn get<T: Element>(atom: &T::Atom) -> T {
    // Acquire: pairs with the Release of every write; carries what was written before it. Weaker:
    // the model `shared_array::carries` sees the race.
    T::load(atom, Acquire)
}

#[inline]
pub(crate) fn set<T: Element>(atom: &T::Atom, value: T) {
    // Release: as above.
    T::store(atom, value, Release);
}

/// Reads many as [`get`] reads one, as many as there are of both.
#[inline]
pub(crate) fn get_all<T: Element>(atoms: &[T::Atom], into: &mut [MaybeUninit<T>]) {
    sys::load_all(atoms, into);
}

/// Writes many as [`set`] writes one, as many as there are of both.
#[inline]
pub(crate) fn set_all<T: Element>(atoms: &[T::Atom], values: &[T]) {
    sys::store_all(atoms, values);
}

#[inline]
pub(crate) fn swap<T: Element>(atom: &T::Atom, value: T) -> T {
    // Acquire and Release: it reads and writes. Weaker: the model `shared_array::swaps` sees the
    // race.
    T::swap(atom, value, AcqRel)
}

#[inline]
pub(crate) fn fetch_add<T: Element>(atom: &T::Atom, more: T) -> T {
    // Acquire and Release: as in `swap`. Weaker: `shared_array::adds` sees the race.
    T::fetch_add(atom, more, AcqRel)
}

#[inline]
pub(crate) fn compare_exchange<T: Element>(atom: &T::Atom, old: T, new: T) -> Result<T, T> {
    // Acquire and Release: as in `swap`. Weaker: `shared_array::exchanges` sees the race.
    // Acquire: what is read without writing is read as by `get`.
    T::compare_exchange(atom, old, new, AcqRel, Acquire)
}
