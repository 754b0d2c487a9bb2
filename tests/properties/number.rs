//! Strategies for the numbers that values and arrays hold.

use proptest::prelude::*;

use crate::model::number::Number;

pub(crate) trait AnyNumber: Number {
    /// Any number, with many that are equal.
    fn any() -> BoxedStrategy<Self>;
    /// Any number that may be added: no NaN, since the bits of a sum of two NaNs are not specified.
    fn addend() -> BoxedStrategy<Self>;
}

macro_rules! numbers {
    ($($type:ident: $any:expr;)*) => { $(
        impl AnyNumber for $type {
            fn any() -> BoxedStrategy<Self> {
                prop_oneof![(0..3u8).prop_map(Self::of), $any].boxed()
            }

            fn addend() -> BoxedStrategy<Self> {
                any::<$type>().boxed()
            }
        }
    )* };
}

numbers! {
    u8: any::<u8>();
    u16: any::<u16>();
    u32: any::<u32>();
    u64: any::<u64>();
    i8: any::<i8>();
    i16: any::<i16>();
    i32: any::<i32>();
    i64: any::<i64>();
    f32: prop::num::f32::ANY;
    f64: prop::num::f64::ANY;
}
