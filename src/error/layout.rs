//! What is wrong with memory that was handed over.

use super::NameProblem;

/// Why memory that another process has handed over is not used: part of
/// [`Error::Layout`](crate::Error::Layout). The other process is another program, or means harm.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LayoutProblem {
    /// Whoever has it could cut it short while it is used.
    #[error("its size is not sealed")]
    NotSealed,
    /// It has holes, which the system may be unable to fill later.
    #[error("its memory is not reserved")]
    NotReserved,
    /// It is longer or shorter than what it says it holds.
    #[error("its size is not that of what it says it holds")]
    Size,
    /// What it says of itself is not what is expected.
    #[error(transparent)]
    Header(NameProblem),
}
