//! The numbers that arrays and values hold.

use std::fmt::{self, Debug};

use multiproc::{Element, SharedArray, ValueTooLong};
use proptest::prelude::*;

/// A type of element, and what is asked of it here.
pub(crate) trait Number: Element + Debug {
    /// Any number, with many that are equal.
    fn any() -> BoxedStrategy<Self>;
    /// Any to be added: no NaN, since nobody knows the bits of the sum of two.
    fn addend() -> BoxedStrategy<Self>;
    fn plus(self, more: Self) -> Self;
    fn of(byte: u8) -> Self;
    /// Equal for what is the same number, and no other.
    fn bits(self) -> u64;
    /// What only arrays of bytes have.
    const TEXT: Option<Text<Self>> = None;
}

/// `value` and `set_value`.
type Text<T> =
    (fn(&SharedArray<T>) -> Vec<u8>, fn(&SharedArray<T>, &[u8]) -> Result<(), ValueTooLong>);

macro_rules! numbers {
    ($($type:ident: $any:expr, $plus:expr, $bits:expr $(, $text:expr)?;)*) => { $(
        impl Number for $type {
            fn any() -> BoxedStrategy<Self> {
                prop_oneof![(0..3u8).prop_map(Self::of), $any].boxed()
            }

            fn addend() -> BoxedStrategy<Self> {
                any::<$type>().boxed()
            }

            fn plus(self, more: Self) -> Self {
                $plus(self, more)
            }

            fn of(byte: u8) -> Self {
                byte as $type
            }

            fn bits(self) -> u64 {
                $bits(self)
            }

            $(const TEXT: Option<Text<Self>> = $text;)?
        }
    )* };
}

numbers! {
    u8: any::<u8>(), u8::wrapping_add, u64::from, Some((SharedArray::value, SharedArray::set_value));
    u16: any::<u16>(), u16::wrapping_add, u64::from;
    u32: any::<u32>(), u32::wrapping_add, u64::from;
    u64: any::<u64>(), u64::wrapping_add, u64::from;
    i8: any::<i8>(), i8::wrapping_add, |n| n as u64;
    i16: any::<i16>(), i16::wrapping_add, |n| n as u64;
    i32: any::<i32>(), i32::wrapping_add, |n| n as u64;
    i64: any::<i64>(), i64::wrapping_add, |n| n as u64;
    f32: prop::num::f32::ANY, |a, b| a + b, |n: f32| n.to_bits().into();
    f64: prop::num::f64::ANY, |a, b| a + b, f64::to_bits;
}

/// A number that is equal to itself, and to nothing else.
#[derive(Clone, Copy)]
pub(crate) struct Exactly<T>(pub(crate) T);

impl<T: Number> PartialEq for Exactly<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0.bits() == other.0.bits()
    }
}

impl<T: Debug> Debug for Exactly<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
