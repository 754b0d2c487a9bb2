//! Floor 2: where bytes live.

mod header;
mod layout;
mod mapping;
mod names;
mod process_safe;
mod registry;
mod rooms;
mod shared;

pub use layout::Layout;
pub(crate) use mapping::{Mapping, available, send_mapping, stamp_of, take_mapping};
pub use process_safe::ProcessSafe;
pub(crate) use rooms::Rooms;
pub use shared::Shared;
