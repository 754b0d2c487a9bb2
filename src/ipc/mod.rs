//! Floor 3: data in motion.

mod pipe;

pub use pipe::{Connection, Receiver, Sender, duplex, pipe, wait_any};
mod codec;
mod patience;
mod queue;
mod ring;
mod ring_memory;
mod unfinished;

pub use queue::Queue;
