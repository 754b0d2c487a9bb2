//! What a search of a model is told of a loop, or of a whole operation. On the machine there is nothing
//! to tell.

#[derive(Debug)]
pub(crate) struct Mark;

impl Mark {
    #[inline(always)]
    pub(crate) fn here() -> Self {
        Mark
    }

    /// What the caller goes on with is what was known at the mark, and these values.
    #[inline(always)]
    pub(crate) fn keeps(&self, _values: &[u64]) {}
}
