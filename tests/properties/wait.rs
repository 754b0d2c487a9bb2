//! How long a call waits, which most have four ways to say.

use std::fmt;
use std::time::{Duration, Instant};

use proptest::prelude::*;

/// How long: no time at all, a little that passes in vain, or until it is done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Span {
    Zero,
    Short,
    Long,
}

impl Span {
    pub(crate) fn any() -> impl Strategy<Value = Span> + Clone {
        prop_oneof![4 => Just(Span::Zero), 1 => Just(Span::Short), 2 => Just(Span::Long)]
    }

    pub(crate) fn duration(self) -> Duration {
        match self {
            Span::Zero => Duration::ZERO,
            Span::Short => Duration::from_millis(1),
            Span::Long => Duration::MAX,
        }
    }

    pub(crate) fn instant(self) -> Instant {
        match self {
            Span::Zero => Instant::now(),
            Span::Short => Instant::now() + Duration::from_millis(1),
            Span::Long => Instant::now() + Duration::from_secs(3600),
        }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Span::Zero => "ZERO",
            Span::Short => "SHORT",
            Span::Long => "LONG",
        })
    }
}

/// How a call waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    /// As long as it takes.
    Ever,
    /// `try_…`: not at all.
    Not,
    /// `…_for`.
    For(Span),
    /// `…_until`.
    Until(Span),
}

impl Wait {
    pub(crate) fn any() -> impl Strategy<Value = Wait> + Clone {
        prop_oneof![3 => Just(Wait::Not), 7 => Wait::patient()]
    }

    /// For what has no `try_…`.
    pub(crate) fn patient() -> impl Strategy<Value = Wait> + Clone {
        let timed = (any::<bool>(), Span::any());
        prop_oneof![
            1 => Just(Wait::Ever),
            2 => timed.prop_map(|(by, span)| if by { Wait::Until(span) } else { Wait::For(span) }),
        ]
    }

    /// Whether what cannot be done now is waited for until it is.
    pub(crate) fn is_long(self) -> bool {
        matches!(self, Wait::Ever | Wait::For(Span::Long) | Wait::Until(Span::Long))
    }

    /// The call as it is written: `put`, `try_put`, `put_for`, `put_until`, with what it is given.
    pub(crate) fn written(
        self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        given: &str,
    ) -> fmt::Result {
        let comma = if given.is_empty() { "" } else { ", " };
        match self {
            Wait::Ever => write!(f, "{name}({given})"),
            Wait::Not => write!(f, "try_{name}({given})"),
            Wait::For(span) => write!(f, "{name}_for({given}{comma}{span})"),
            Wait::Until(span) => write!(f, "{name}_until({given}{comma}{span})"),
        }
    }
}
