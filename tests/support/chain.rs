//! An error as a reporter prints it.

use std::error::Error;

/// Its text, and those of all its causes.
pub(crate) fn chain(error: &dyn Error) -> String {
    let first: Option<&dyn Error> = Some(error);
    let causes = std::iter::successors(first, |error| (*error).source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}
