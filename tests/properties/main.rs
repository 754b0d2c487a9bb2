//! Every operation of every primitive, in any order, against a plain value.
//!
//! Three threads sit around a primitive and make the calls of a random sequence, one at a time. A
//! model, which one thread plays with, says what each must give, what must panic, who must wait,
//! and who must go on by someone else's call; after each, what anyone can see must be as the
//! model has it. A sequence in which something differs is cut down to the shortest found.
//!
//! ```text
//! PROPTEST_CASES=10000 cargo test --release --test properties
//! ```
//!
//! plays so many sequences for each primitive and place, instead of 256.
#![cfg(not(modelled))]

mod barrier;
mod bounded_semaphore;
mod caught;
mod condition;
mod crew;
mod event;
mod lock;
mod model;
mod number;
mod panics;
mod pipe;
mod queue;
mod rlock;
mod robust_semaphore;
mod semaphore;
mod shared_array;
mod text;
mod value;
mod wait;

#[path = "../support/asleep.rs"]
mod asleep;
#[path = "../support/place.rs"]
mod place;
#[path = "../support/until.rs"]
mod until;
