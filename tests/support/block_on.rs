//! The smallest executor: the thread polls, and parks until it is woken.

use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// What the future gives.
///
/// # Panics
/// When it is not ready in a minute.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    block_for(future, Duration::from_secs(60)).expect("it is ready in a minute")
}

/// What the future gives, unless the time is over first.
pub(crate) fn block_for<F: Future>(future: F, span: Duration) -> Option<F::Output> {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let end = Instant::now() + span;
    loop {
        if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(value);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        thread::park_timeout(left);
    }
}
