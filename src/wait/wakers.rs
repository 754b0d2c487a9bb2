//! Calling wakers, which are code of others.

use std::sync::OnceLock;
use std::task::Waker;
use std::time::Duration;

use crate::runtime::caught;

/// The longest that something is left to itself: a turn, a word that may have changed without a wake, a waker that
/// does not come back.
pub(super) const SLICE: Duration = Duration::from_millis(100);

/// Between two looks, where no thread or no call of the kernel's is to be had.
pub(super) const PAUSE: Duration = Duration::from_millis(5);

/// Calls a waker. Without a lock: it may poll at once, wait for a lock of its own, or panic.
pub(super) fn wake(waker: Waker) {
    if let Err(panic) = caught(|| waker.wake()) {
        log::warn!("a waker panicked: {}", panic.message);
    }
}

/// Has a future polled again after a pause, for which the thread that polls it sleeps: there is nobody to wait in
/// its stead.
#[cold]
pub(super) fn pause(waker: &Waker) {
    static TOLD: OnceLock<()> = OnceLock::new();
    if TOLD.set(()).is_ok() {
        log::warn!(
            "no thread or descriptor is left to wait for futures: they are polled every 5 ms"
        );
    }
    std::thread::sleep(PAUSE);
    wake(waker.clone());
}
