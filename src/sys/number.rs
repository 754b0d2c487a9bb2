//! Numbers that lie in an atomic of their size.

use crate::sys::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering,
};

/// How a number is kept: hidden from users, since its types are the ground floor's.
///
/// # Safety
///
/// The atomic has the size and the alignment of the number, and its bits are the number's: any are one.
pub unsafe trait Atomic: Sized {
    /// The atomic that it lies in. All zero is its zero.
    #[doc(hidden)]
    type Atom: Send + Sync;

    #[doc(hidden)]
    const ZERO: Self;

    #[doc(hidden)]
    fn atom(self) -> Self::Atom;
    #[doc(hidden)]
    fn load(atom: &Self::Atom, order: Ordering) -> Self;
    #[doc(hidden)]
    fn store(atom: &Self::Atom, value: Self, order: Ordering);
    #[doc(hidden)]
    fn swap(atom: &Self::Atom, value: Self, order: Ordering) -> Self;
    #[doc(hidden)]
    fn compare_exchange(
        atom: &Self::Atom,
        old: Self,
        new: Self,
        success: Ordering,
        failure: Ordering,
    ) -> Result<Self, Self>;
    #[doc(hidden)]
    fn fetch_add(atom: &Self::Atom, more: Self, order: Ordering) -> Self;
}

macro_rules! integers {
    ($($type:ty: $atom:ty),* $(,)?) => { $(
        // SAFETY: std's atomic of an integer has its size, its alignment and its bits.
        unsafe impl Atomic for $type {
            type Atom = $atom;
            const ZERO: Self = 0 as $type;

            #[cfg_attr(modelled, track_caller)]
            fn atom(self) -> $atom {
                <$atom>::new(self)
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn load(atom: &$atom, order: Ordering) -> Self {
                atom.load(order)
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn store(atom: &$atom, value: Self, order: Ordering) {
                atom.store(value, order);
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn swap(atom: &$atom, value: Self, order: Ordering) -> Self {
                atom.swap(value, order)
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn compare_exchange(
                atom: &$atom,
                old: Self,
                new: Self,
                success: Ordering,
                failure: Ordering,
            ) -> Result<Self, Self> {
                atom.compare_exchange(old, new, success, failure)
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn fetch_add(atom: &$atom, more: Self, order: Ordering) -> Self {
                atom.fetch_add(more, order)
            }
        }
    )* };
}

integers! {
    u8: AtomicU8, u16: AtomicU16, u32: AtomicU32, u64: AtomicU64,
    i8: AtomicI8, i16: AtomicI16, i32: AtomicI32, i64: AtomicI64,
}

macro_rules! floats {
    ($($type:ty: $atom:ty),* $(,)?) => { $(
        // SAFETY: an unsigned integer of a float's size has its alignment too, and holds its bits.
        unsafe impl Atomic for $type {
            type Atom = $atom;
            const ZERO: Self = 0 as $type;

            #[cfg_attr(modelled, track_caller)]
            fn atom(self) -> $atom {
                <$atom>::new(self.to_bits())
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn load(atom: &$atom, order: Ordering) -> Self {
                Self::from_bits(atom.load(order))
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn store(atom: &$atom, value: Self, order: Ordering) {
                atom.store(value.to_bits(), order);
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn swap(atom: &$atom, value: Self, order: Ordering) -> Self {
                Self::from_bits(atom.swap(value.to_bits(), order))
            }

            #[inline]
            #[cfg_attr(modelled, track_caller)]
            fn compare_exchange(
                atom: &$atom,
                old: Self,
                new: Self,
                success: Ordering,
                failure: Ordering,
            ) -> Result<Self, Self> {
                atom.compare_exchange(old.to_bits(), new.to_bits(), success, failure)
                    .map(Self::from_bits)
                    .map_err(Self::from_bits)
            }

            #[cfg_attr(modelled, track_caller)]
            fn fetch_add(atom: &$atom, more: Self, order: Ordering) -> Self {
                // Relaxed: only a guess for the CAS.
                let mut seen = atom.load(Ordering::Relaxed);
                loop {
                    let old = Self::from_bits(seen);
                    let new = (old + more).to_bits();
                    match atom.compare_exchange(seen, new, order, Ordering::Relaxed) {
                        Ok(_) => return old,
                        Err(now) => seen = now,
                    }
                }
            }
        }
    )* };
}

floats! { f32: AtomicU32, f64: AtomicU64 }
