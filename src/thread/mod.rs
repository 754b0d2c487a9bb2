//! Floor 4: threads with the face that processes have, as Python's `threading`.
//!
//! What most need is at the crate's root: [`Thread`], [`ThreadBuilder`],
//! [`ThreadError`](crate::ThreadError). Here are [`current`], [`all`] and [`active_count`].

mod builder;
mod handle;
mod joinable;
mod native;
mod registry;

pub use builder::ThreadBuilder;
pub use handle::Handle;
pub use joinable::Thread;
pub use registry::{active_count, all, current};
