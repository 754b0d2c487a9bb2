//! Code that may panic, run where nothing may unwind.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `f`, out of which no panic comes: `None` where it has panicked.
///
/// What the panic carried is never dropped: its drop is the user's code, and may panic in turn.
///
/// The caller sees to it that nothing half changed is used after a panic.
pub(crate) fn contained<T>(f: impl FnOnce() -> T) -> Option<T> {
    catch_unwind(AssertUnwindSafe(f)).map_err(std::mem::forget).ok()
}

#[cfg(test)]
mod tests {
    use std::panic::{catch_unwind, resume_unwind};

    use super::*;

    #[test]
    fn a_payload_that_panics_when_it_is_dropped_is_contained() {
        struct Payload;
        impl Drop for Payload {
            fn drop(&mut self) {
                resume_unwind(Box::new("dropped"));
            }
        }
        let contains = catch_unwind(|| contained(|| resume_unwind(Box::new(Payload))));
        assert!(matches!(contains, Ok(None::<()>)));
        assert_eq!(contained(|| 5), Some(5));
    }
}
