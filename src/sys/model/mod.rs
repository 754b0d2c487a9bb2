//! The machine as a model has it: by the words of `multiproc_checker`.

mod adaptive_spin;
mod futex;
mod lender;
mod number;
mod own_entries;
mod placement;
mod process_instance;
mod robust;
mod scale;
mod shared_bytes;
mod socket;
mod spin;
mod versioned;
mod word_address;

pub(crate) use multiproc_checker::time::{has_passed, millis};
pub(crate) use multiproc_checker::{
    Access, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    Cell,
};

pub(crate) use adaptive_spin::AdaptiveSpin;
pub(crate) use futex::Futex;
pub(crate) use lender::Lender;
pub(crate) use number::{Entry, Granule, Number, copy_bytes, init_bytes, load_all, store_all};
pub(crate) use own_entries::OwnEntries;
pub(crate) use placement::Placement;
pub(crate) use process_instance::ProcessInstance;
pub(crate) use robust::{CurrentThread, Node, Slot};
pub(crate) use scale::{entries, looks};
pub(crate) use shared_bytes::{copy_from_shared, copy_to_shared};
pub(crate) use socket::{Packet, Socket};
pub(crate) use spin::Spin;
pub(crate) use versioned::Versioned;
pub(crate) use word_address::WordAddress;
