//! Floor 3: data in motion.

mod pipe;

pub use pipe::{Connection, Receiver, Sender, duplex, pipe, wait_any};
