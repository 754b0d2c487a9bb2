//! The memory of a primitive, private or shared, and tests that run in both.

use std::ops::Deref;
use std::sync::Arc;

use multiproc::{ProcessSafe, Shared};

/// The memory of a primitive: an `Arc` or a `Shared`.
pub(crate) trait Place<T>: Deref<Target = T> + Clone + Send + Sync + 'static {
    /// Puts `value` there.
    fn of(value: T) -> Self;
}

impl<T: Send + Sync + 'static> Place<T> for Arc<T> {
    fn of(value: T) -> Self {
        Arc::new(value)
    }
}

impl<T: ProcessSafe + Send + Sync> Place<T> for Shared<T> {
    fn of(value: T) -> Self {
        Shared::new(value).expect("there is memory for it")
    }
}

/// Runs each test in private memory and in a shared mapping: functions of a `Place<T>` that holds the
/// value made, or, for a type, functions that make their own, with the `Place` as their parameter.
macro_rules! in_both_places {
    (<$value:ty>; $($suite:ident),* $(,)?) => {
        mod private_memory {
            use super::*;
            $(#[test] fn $suite() { super::$suite::<std::sync::Arc<$value>>(); })*
        }
        mod shared_mapping {
            use super::*;
            $(#[test] fn $suite() { super::$suite::<multiproc::Shared<$value>>(); })*
        }
    };
    ($make:expr; $($suite:ident),* $(,)?) => {
        mod private_memory {
            use crate::place::Place;
            $(#[test] fn $suite() { super::$suite(std::sync::Arc::of($make)); })*
        }
        mod shared_mapping {
            use crate::place::Place;
            $(#[test] fn $suite() { super::$suite(multiproc::Shared::of($make)); })*
        }
    };
}
pub(crate) use in_both_places;
