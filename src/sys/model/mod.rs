//! The machine as a model has it: loom's, with its memory orderings, or the search's, with its size.

mod atom;
mod cell;
mod enrolled;
mod entry;
mod granule;
mod life;
mod number;
mod program;
mod search;
mod socket;
mod strand;
mod thread;
mod trace;
mod weak;
mod word;
mod world;

pub(crate) use cell::{Access, Cell};
pub(crate) use enrolled::Enrolled;
pub use enrolled::end_well;
pub(crate) use entry::Entry;
pub(crate) use granule::Granule;
pub(crate) use life::Life;
pub use life::end_life;
pub(crate) use number::Number;
pub use program::{
    Data, JoinHandle, end_of_round, explore, let_sleep, sleepers, spawn, spawn_alike, spawn_mortal,
    stop_exploring,
};
pub use search::{Search, Searched, Slices};
pub(crate) use socket::{Packet, Socket};
pub(crate) use thread::{Me, Node, Slot};
pub use trace::Failure;
pub use weak::{Loads, Weak, Weakly};
pub(crate) use word::Word;
pub(crate) use world::{Mark, is_late, millis};

pub(crate) type AtomicI8 = atom::Atom<i8>;
pub(crate) type AtomicI16 = atom::Atom<i16>;
pub(crate) type AtomicI32 = atom::Atom<i32>;
pub(crate) type AtomicI64 = atom::Atom<i64>;
pub(crate) type AtomicU8 = atom::Atom<u8>;
pub(crate) type AtomicU16 = atom::Atom<u16>;
pub(crate) type AtomicU32 = atom::Atom<u32>;
pub(crate) type AtomicU64 = atom::Atom<u64>;
