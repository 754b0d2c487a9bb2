//! Floor 1: where bytes live.

pub(crate) mod handoff;
mod header;
mod layout;
mod mapping;
mod names;
mod process_safe;
mod registry;
mod shared;

pub use layout::Layout;
pub(crate) use mapping::{Mapping, available, stamp_of};
pub use process_safe::ProcessSafe;
pub use shared::Shared;

/// How a descriptor goes to a child, and what the child makes of it.
#[cfg(any(fuzzing, test))]
pub(crate) mod fuzz_support {
    use std::os::fd::OwnedFd;

    use serde::{Serialize, de::DeserializeOwned};

    use crate::shm::handoff;

    /// What `value` hands over, in its order.
    pub fn descriptors(value: &impl Serialize) -> Vec<OwnedFd> {
        handoff::sending(|| postcard::to_stdvec(value)).1
    }

    /// What a child is given as this descriptor.
    pub fn attached<T: DeserializeOwned>(descriptor: OwnedFd) -> Result<T, String> {
        let read = handoff::taking(vec![descriptor], || postcard::from_bytes(&[0]));
        read.map_err(|error| handoff::explain(&error))
    }
}
