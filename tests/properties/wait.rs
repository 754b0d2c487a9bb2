//! Strategies for the forms of operations that wait.

use proptest::prelude::*;

pub(crate) use crate::model::wait::{Span, Wait};

pub(crate) fn span() -> impl Strategy<Value = Span> + Clone {
    prop_oneof![4 => Just(Span::Zero), 1 => Just(Span::Short), 2 => Just(Span::Long)]
}

/// All four forms.
pub(crate) fn any_wait() -> impl Strategy<Value = Wait> + Clone {
    prop_oneof![3 => Just(Wait::Not), 7 => blocking_wait()]
}

/// The three forms of an operation that has no `try_…`.
pub(crate) fn blocking_wait() -> impl Strategy<Value = Wait> + Clone {
    let timed = (any::<bool>(), span());
    prop_oneof![
        1 => Just(Wait::Ever),
        2 => timed.prop_map(|(by, span)| if by { Wait::Until(span) } else { Wait::For(span) }),
    ]
}
