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
