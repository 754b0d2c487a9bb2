//! Where a primitive lives, and suites that run in each such place.

use std::ops::Deref;
use std::sync::Arc;

use multiproc::{ProcessSafe, Shared};

/// Where a primitive lives: an `Arc` or a `Shared`, which its users need not tell apart.
pub(crate) trait Place<T>: Deref<Target = T> + Clone + Send + Sync + 'static {
    /// One that holds `value`.
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

/// Runs each of these suites in private memory and in a mapping: functions from a `Place<T>` that
/// holds what is made, or, for a type, functions that make their own and are told where.
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
