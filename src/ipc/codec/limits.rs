//! What a message may ask of whoever reads it. The writer keeps to the same limits, so that what is
//! sent can be read.

use crate::error::CodecError;
use crate::ipc::codec::fault::{Fault, Result};

/// The deepest nesting. A level takes up to some kilobytes of the stack in a build without
/// optimisation, and a thread of std has two megabytes.
const DEPTH: u32 = 256;

/// Elements without bytes in all lists and maps of a message.
const EMPTY: usize = 1 << 20;

#[derive(Clone, Copy)]
pub(super) struct Limits {
    depth: u32,
    empty: usize,
}

impl Limits {
    pub(super) const NEW: Self = Limits { depth: DEPTH, empty: EMPTY };

    /// Those of a message inside another, which leaves so many levels.
    pub(super) fn inside(depth: u32) -> Self {
        Limits { depth, ..Self::NEW }
    }

    /// How many levels are left.
    pub(super) fn depth(&self) -> u32 {
        self.depth
    }

    /// Goes one level down; [`Limits::leave`] comes back up.
    #[inline]
    pub(super) fn enter(&mut self) -> Result<()> {
        match self.depth.checked_sub(1) {
            Some(left) => {
                self.depth = left;
                Ok(())
            }
            None => Err(too_deep()),
        }
    }

    #[inline]
    pub(super) fn leave(&mut self) {
        self.depth += 1;
    }

    /// Whether a list of `elements` elements, which have `bytes` bytes at most, can be: at least the
    /// difference of them have none.
    #[inline]
    pub(super) fn admit(&self, elements: usize, bytes: usize) -> Result<()> {
        if elements.saturating_sub(bytes) > self.empty {
            return Err(too_many_empty());
        }
        Ok(())
    }

    /// Counts a list of `elements` elements that had `bytes` bytes.
    #[inline]
    pub(super) fn count(&mut self, elements: usize, bytes: usize) -> Result<()> {
        self.admit(elements, bytes)?;
        self.empty -= elements.saturating_sub(bytes);
        Ok(())
    }
}

#[cold]
fn too_deep() -> Fault {
    CodecError::TooDeep { max: DEPTH }.into()
}

#[cold]
fn too_many_empty() -> Fault {
    CodecError::TooManyEmpty { max: EMPTY as u64 }.into()
}
