//! Mutants that no model falls with, each with the reason why the source is as good so. The whole run fails
//! on one that is found after all, or that is not there any more.

/// By the name of a mutant: its function, its expression, and what becomes of it.
pub(crate) const EQUIVALENT: &[(&str, &str)] = &[];
