//! Floor 3: data in motion.

mod array_text;
mod buffer;
mod codec;
mod element;
mod pipe;
mod queue;
mod ring;
mod shared_array;
mod unfinished;
mod value;

pub use element::Element;
pub use pipe::{Connection, Receiver, Sender, duplex, pipe, wait_any};
pub use queue::Queue;
pub use shared_array::{ArrayGuard, SharedArray};
pub use value::Value;
