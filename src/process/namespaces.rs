//! Whether children of this process would know it, and be known, by the numbers that locks go by.

use crate::error::Error;
use crate::sys::Namespace;

/// Refuses where the calling thread's children go into another namespace than this process is in.
pub(super) fn check() -> Result<(), Error> {
    // Where that cannot be seen, the child looks: see `live`.
    let is_left = |namespace: &Namespace| namespace.is_left_by_children() == Some(true);
    match Namespace::ALL.into_iter().find(is_left) {
        Some(namespace) => Err(Error::OtherNamespace { namespace: namespace.name() }),
        None => Ok(()),
    }
}
