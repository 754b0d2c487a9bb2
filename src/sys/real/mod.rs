//! The machine itself: std's atomics, Linux futexes, the kernel's robust list.

mod adaptive_spin;
mod cell;
mod copy;
mod entry;
mod futex;
mod granule;
mod liveness;
mod millis;
mod number;
mod own_entries;
mod packet;
mod placement;
mod process_instance;
mod record;
mod robust;
mod scale;
mod shared_bytes;
mod socket;
mod spin;
mod thread;
mod versioned;
mod word_address;

pub(crate) use adaptive_spin::AdaptiveSpin;
pub(crate) use cell::{Access, Cell};
pub(crate) use copy::{copy_bytes, init_bytes};
pub(crate) use entry::{Entry, Lender};
pub(crate) use futex::Futex;
pub(crate) use granule::Granule;
pub(crate) use millis::millis;
pub(crate) use number::{Number, load_all, store_all};
pub(crate) use own_entries::OwnEntries;
pub(crate) use packet::Packet;
pub(crate) use placement::Placement;
pub(crate) use process_instance::ProcessInstance;
pub(crate) use robust::Node;
pub(crate) use scale::{entries, looks};
pub(crate) use shared_bytes::{copy_from_shared, copy_to_shared};
pub(crate) use socket::Socket;
pub(crate) use spin::Spin;
pub(crate) use thread::{CurrentThread, Slot};
pub(crate) use versioned::Versioned;
pub(crate) use word_address::WordAddress;

/// The raw atomics, for those above who keep elements in them (clippy refuses them elsewhere).
#[allow(clippy::disallowed_types, reason = "the one door through which the raw atomics enter")]
mod atomics {
    use std::sync::atomic as raw;

    pub(crate) type AtomicI8 = raw::AtomicI8;
    pub(crate) type AtomicI16 = raw::AtomicI16;
    pub(crate) type AtomicI32 = raw::AtomicI32;
    pub(crate) type AtomicI64 = raw::AtomicI64;
    pub(crate) type AtomicU8 = raw::AtomicU8;
    pub(crate) type AtomicU16 = raw::AtomicU16;
    pub(crate) type AtomicU32 = raw::AtomicU32;
    pub(crate) type AtomicU64 = raw::AtomicU64;
}
pub(crate) use atomics::*;
