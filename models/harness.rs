//! What every model is, and the tests that it becomes.

#[cfg(loom)]
pub(crate) use crate::explore::{Legs, legs};
#[cfg(not(loom))]
pub(crate) use crate::stress::{Legs, legs};

/// A small concurrent program that must hold however its parts meet.
#[cfg_attr(not(loom), allow(dead_code, reason = "some of it is for those who explore"))]
pub(crate) struct Model {
    /// What it shows.
    pub(crate) shows: &'static str,
    /// The fewest interleavings that count as an exploration by loom, or, where it is not loom's, the
    /// fewest states. A change of a protocol moves the number; a fall by much means that the model no
    /// longer reaches what it was written for.
    pub(crate) min_explored: usize,
    /// What the exploration must have come across: calls of `reached`, or
    /// how the names of mutants begin, whose places it came to.
    pub(crate) must_reach: &'static [&'static str],
    /// The program, written with what is in `stage.rs`.
    pub(crate) run: fn(),
}

/// The name of a model, of its module's path: without the crate.
pub(crate) fn name_of(path: &str) -> &str {
    path.split_once("::").map_or(path, |(_, name)| name)
}

/// Turns each `name: Model { … }` into the tests of this build's legs: `name::holds` where models are
/// explored, `name::on_threads` and `name::on_processes` on the machine. What differs from the usual stands behind the name (see `Legs` in `explore.rs`):
/// `name (search_only): …`; `explored_only`, as the last, is that the machine does not play it.
macro_rules! models {
    ($( $(#[$meta:meta])* $name:ident $(($($how:tt)*))?: $model:expr; )+) => {
        /// Each with its path, for the roll call.
        pub(crate) const MODELS: &[(&str, $crate::harness::Model, $crate::harness::Legs)] =
            &[$( (concat!(module_path!(), "::", stringify!($name)), $name::MODEL, $name::LEGS) ),+];

        $(
            $(#[$meta])*
            pub(crate) mod $name {
                use super::*;

                pub(crate) const MODEL: $crate::harness::Model = $model;

                $crate::harness::legs!($($($how)*)?);
            }
        )+
    };
}
pub(crate) use models;
