//! Waiting for what there is no event for.

use std::time::{Duration, Instant};

/// Waits for what another thread or process is about to do.
pub(crate) fn until(what: &str, mut done: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !done() {
        assert!(Instant::now() < deadline, "waited a minute for {what}");
        std::thread::yield_now();
    }
}
