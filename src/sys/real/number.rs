//! A number in an atomic, made in a const.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::cell::UnsafeCell;
use std::mem::MaybeUninit;
use std::sync::atomic::{Ordering, fence};

use crate::sys::Atomic;
use crate::sys::real::copy::{copy_in, copy_out};

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

/// In bytes: from this on, a loop costs more than a call.
const MANY: usize = 256;

/// Reads elements, each by an Acquire, as many as there are of both.
#[inline]
pub(crate) fn load_all<T: Atomic>(from: &[T::Atom], into: &mut [MaybeUninit<T>]) {
    let count = from.len().min(into.len());
    let bytes = count * size_of::<T>();
    if bytes < MANY {
        return into.iter_mut().zip(from).for_each(|(to, from)| {
            // Acquire: as is asked for.
            to.write(T::load(from, Ordering::Acquire));
        });
    }
    // SAFETY: so many there are of both, of one size and alignment (`Atomic`), and any bits are a number.
    // What is written is borrowed; the atoms may be written by anybody meanwhile, in any process.
    unsafe { copy_out(from.as_ptr().cast(), into.as_mut_ptr().cast(), bytes) }
    // Acquire: with it, each load before was one.
    fence(Ordering::Acquire);
}

/// Writes elements, each by a Release, as many as there are of both.
#[inline]
pub(crate) fn store_all<T: Atomic + Copy>(to: &[T::Atom], from: &[T]) {
    let count = from.len().min(to.len());
    let bytes = count * size_of::<T>();
    if bytes < MANY {
        return from.iter().zip(to).for_each(|(&from, to)| {
            // Release: as is asked for.
            T::store(to, from, Ordering::Release);
        });
    }
    // Release: with it, each store behind is one.
    fence(Ordering::Release);
    // SAFETY: so many there are of both, of one size and alignment (`Atomic`), and any bits are a number.
    // What is read is borrowed; the atoms may be accessed by anybody meanwhile, in any process, and are
    // written through shared references.
    unsafe { copy_in(from.as_ptr().cast(), to.as_ptr().cast_mut().cast(), bytes) }
}
