//! Waits for a condition that no event reports.

use std::time::{Duration, Instant};

/// Waits until `done`, which another thread or process brings about.
///
/// # Panics
/// After a minute.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited a minute for {what}");
        std::thread::yield_now();
    }
}
