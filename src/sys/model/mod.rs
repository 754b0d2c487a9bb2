//! The machine as a model has it: by the words of `multiproc_checker`.

mod enrolled;
mod life;
mod number;
mod robust;
mod socket;
mod versioned;
mod word;

pub(crate) use multiproc_checker::time::{has_passed, millis};
pub(crate) use multiproc_checker::{
    Access, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
    Cell,
};

pub(crate) use enrolled::Enrolled;
pub(crate) use life::Life;
pub(crate) use number::{Entry, Granule, Number};
pub(crate) use robust::{Me, Node, Slot};
pub(crate) use socket::{Packet, Socket};
pub(crate) use versioned::Versioned;
pub(crate) use word::Word;
