//! Floor 1: where bytes live.

pub(crate) mod handoff;
mod header;
mod mapping;
mod names;
mod process_safe;
mod shared;

pub(crate) use mapping::{Mapping, available, stamp_of};
pub use process_safe::ProcessSafe;
pub use shared::Shared;
