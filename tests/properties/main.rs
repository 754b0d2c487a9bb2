//! Every operation of every primitive, in random order, compared with a sequential model.
//!
//! Three worker threads perform the operations of a random sequence, one at a time. The model says
//! what each operation must return, whether it must panic or wait, and which waiting operations it must
//! end; after each, what can be observed of the primitive must be as in the model. A sequence in which
//! something differs is shrunk to the shortest found.
//!
//! ```text
//! PROPTEST_CASES=10000 cargo test --release --test properties
//! ```
//!
//! runs so many sequences for each primitive, in private and in shared memory, instead of 256.
#![cfg(not(modelled))]

mod barrier;
mod condition;
mod detected;
mod driver;
mod event;
mod harness;
mod lock;
mod number;
mod panics;
mod pipe;
mod queue;
mod rlock;
mod semaphore;
mod shared_array;
mod text;
mod value;
mod wait;

#[path = "../support/asleep.rs"]
mod asleep;
#[allow(dead_code, reason = "the fuzz targets use the rest")]
#[path = "../support/model/mod.rs"]
mod model;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/until.rs"]
mod until;
