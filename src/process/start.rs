//! What every way to start a child is given.

use crate::process::identity::Identity;
use crate::process::settings::{ParentEnds, Settings};

/// A child that is about to be started.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) identity: Identity,
    /// The child's: whoever starts it carries them there. Dropped in the parent.
    pub(super) settings: Settings,
    /// The parent's: dropped in the child.
    pub(super) ends: ParentEnds,
}
