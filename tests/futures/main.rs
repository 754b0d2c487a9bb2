//! Futures: what is waited for without a thread, by any executor.
//!
//! * A future that is dropped loses nothing: no value, no permit, no message, and no wake that another needs.
//! * A thousand of them need no thousand threads.
//! * A peer that is killed, and a waker that panics or blocks, stop nobody else.
// As tokio is.
#![cfg(not(loom))]

#[path = "../support/alone.rs"]
mod alone;
#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/block_on.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod block_on;
mod deaths;
mod dropped;
mod forks;
mod handed_on;
#[path = "../support/linger.rs"]
#[allow(dead_code, reason = "other tests use the rest")]
mod linger;
mod many;
mod polled;
#[cfg(feature = "stream")]
mod streams;
#[path = "../support/until.rs"]
mod until;
mod wait_any;
mod wakers;

type Nothing = Result<(), Box<dyn std::error::Error>>;
