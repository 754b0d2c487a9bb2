//! How long an operation waits: most operations have four forms.

use std::fmt;
use std::time::{Duration, Instant};

/// A timeout: none, one that expires, or one that does not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Span {
    Zero,
    Short,
    Long,
}

impl Span {
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

/// The form of an operation that waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Wait {
    /// Without a timeout.
    Ever,
    /// `try_…`: it does not wait.
    Not,
    /// `…_for`.
    For(Span),
    /// `…_until`.
    Until(Span),
}

impl Wait {
    /// Whether it waits until it is done, rather than refuses or times out.
    pub(crate) fn is_long(self) -> bool {
        matches!(self, Wait::Ever | Wait::For(Span::Long) | Wait::Until(Span::Long))
    }

    /// The operation as it is written: `put`, `try_put`, `put_for`, `put_until`, with its arguments.
    pub(crate) fn written(
        self,
        f: &mut fmt::Formatter<'_>,
        name: &str,
        arguments: &str,
    ) -> fmt::Result {
        let comma = if arguments.is_empty() { "" } else { ", " };
        match self {
            Wait::Ever => write!(f, "{name}({arguments})"),
            Wait::Not => write!(f, "try_{name}({arguments})"),
            Wait::For(span) => write!(f, "{name}_for({arguments}{comma}{span})"),
            Wait::Until(span) => write!(f, "{name}_until({arguments}{comma}{span})"),
        }
    }
}
