//! The numbers that values and arrays hold.

use std::fmt::{self, Debug};

use multiproc::{Element, SharedArray, ValueTooLong};

/// A type of element.
pub(crate) trait Number: Element + Debug {
    /// The sum by the rule of `fetch_add`.
    fn plus(self, more: Self) -> Self;
    fn of(byte: u8) -> Self;
    /// Equal for the same number, and for no other.
    fn bits(self) -> u64;
    /// The methods that only arrays of bytes have.
    const TEXT: Option<Text<Self>> = None;
}

/// `value` and `set_value`.
pub(crate) type Text<T> =
    (fn(&SharedArray<T>) -> Vec<u8>, fn(&SharedArray<T>, &[u8]) -> Result<(), ValueTooLong>);

macro_rules! numbers {
    ($($type:ident: $plus:expr, $bits:expr $(, $text:expr)?;)*) => { $(
        impl Number for $type {
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
    u8: u8::wrapping_add, u64::from, Some((SharedArray::value, SharedArray::set_value));
    u16: u16::wrapping_add, u64::from;
    u32: u32::wrapping_add, u64::from;
    u64: u64::wrapping_add, u64::from;
    i8: i8::wrapping_add, |n| n as u64;
    i16: i16::wrapping_add, |n| n as u64;
    i32: i32::wrapping_add, |n| n as u64;
    i64: i64::wrapping_add, |n| n as u64;
    f32: |a, b| a + b, |n: f32| n.to_bits().into();
    f64: |a, b| a + b, f64::to_bits;
}

/// A number that is equal to itself, NaN too, and to no other: 0.0 is not -0.0.
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
