//! The model's clock: in a model no time goes by, but where a wait ends.

use crate::executor::executor;

/// What the clock says as an execution begins, in milliseconds.
pub(crate) const START: u32 = 1_000;

/// How long a slice of a wait is, in milliseconds.
pub(crate) const SLICE: u32 = 100;

/// What the clock says, in milliseconds: 100 more for each slice of a wait that has ended.
pub fn millis() -> u32 {
    executor().millis()
}

/// Whether a deadline of the caller's has passed. By the search that can be at any time, and both are
/// tried; by loom it passes only in a wait.
pub fn has_passed() -> bool {
    executor().is_late()
}
