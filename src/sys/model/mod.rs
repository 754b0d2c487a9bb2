//! The machine as loom explores it.

mod cell;
mod entry;
mod granule;
mod life;
mod mutant;
mod number;
mod socket;
mod thread;
mod word;

pub(crate) use cell::{Access, Cell};
pub(crate) use entry::Entry;
pub(crate) use granule::Granule;
pub(crate) use life::Life;
pub use life::{end_life, forget_lives};
pub(crate) use loom::sync::atomic::{
    AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
pub(crate) use mutant::mutated;
pub use mutant::{forget_sites_seen, mutate, sites_seen};
pub(crate) use number::Number;
pub(crate) use socket::{Packet, Socket};
pub(crate) use thread::{Me, Node, Slot};
pub(crate) use word::Word;
pub use word::{forget_sleepers, load_latest, sleepers};
