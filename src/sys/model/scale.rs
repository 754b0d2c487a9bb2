//! How much of what is only a matter of size and time: as little as a model can show something with.

/// A model has no more processes: further entries would only be looked at in vain.
pub(crate) const fn entries(_: usize) -> usize {
    3
}

/// Twice is again.
pub(crate) const fn looks(_: u32) -> u32 {
    2
}
