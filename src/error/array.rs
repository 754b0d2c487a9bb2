//! What a shared array refuses.

/// An element that is not there: nothing was read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("index {index} is out of range: the array has {len} elements")]
pub struct IndexOutOfRange {
    /// The index asked for; of a slice, the first that is not there.
    pub index: usize,
    /// How many elements there are.
    pub len: usize,
}

/// A value that does not fit into the array: nothing was changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a value of {size} bytes is too long: the array has {max}")]
pub struct ValueTooLong {
    /// Bytes of the value.
    pub size: usize,
    /// Bytes of the array.
    pub max: usize,
}
