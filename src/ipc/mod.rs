//! Floor 4: data in motion.

mod array_iter;
mod array_slices;
mod array_text;
pub(crate) mod codec;
mod incoming;
mod pipe;
mod queue;
mod ring;
mod shared_array;

pub use array_iter::ArrayIter;
pub use codec::SelfDescribing;
pub use incoming::Incoming;
#[cfg(feature = "stream")]
pub(crate) use incoming::{Meaning, Source};
pub(crate) use pipe::End;
pub use pipe::{Connection, Receiver, Sender, duplex, pipe};
pub use queue::Queue;
pub(crate) use ring::buffer::{Buffer, Taken};
pub use shared_array::{ArrayGuard, SharedArray};

/// How a descriptor goes to a child, and what the child makes of it.
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz_support {
    use std::os::fd::OwnedFd;

    use serde::{Serialize, de::DeserializeOwned};

    use crate::error::CodecError;
    use crate::handoff;
    use crate::ipc::codec;

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
