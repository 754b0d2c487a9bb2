//! Floor 3: data in motion.

mod array_iter;
mod array_text;
mod buffer;
pub(crate) mod codec;
mod element;
mod incoming;
mod pipe;
mod queue;
mod ring;
mod shared_array;
mod unfinished;
mod value;

pub use array_iter::ArrayIter;
pub use codec::SelfDescribing;
pub use element::Element;
pub use incoming::Incoming;
pub use pipe::{
    Connection, Receiver, Sender, duplex, pipe, wait_any, wait_any_for, wait_any_until,
};
pub use queue::Queue;
pub use shared_array::{ArrayGuard, SharedArray};
pub use value::Value;

/// How a descriptor goes to a child, and what the child makes of it.
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz_support {
    use std::os::fd::OwnedFd;

    use serde::{Serialize, de::DeserializeOwned};

    use crate::error::CodecError;
    use crate::ipc::codec;
    use crate::shm::handoff;

    /// What `value` hands over, in its order.
    pub fn descriptors<T: Serialize + DeserializeOwned>(value: &T) -> Vec<OwnedFd> {
        handoff::sending(|| codec::to_bytes(value)).1
    }

    /// What a message of these bytes is read as.
    pub fn read_message<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, CodecError> {
        codec::decode(bytes)
    }

    /// What a child is given as this descriptor.
    pub fn attached<T: DeserializeOwned>(descriptor: OwnedFd) -> Result<T, CodecError> {
        handoff::taking(vec![descriptor], || codec::decode(&[0]))
    }
}
