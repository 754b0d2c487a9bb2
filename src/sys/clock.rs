//! Deadlines on CLOCK_MONOTONIC, the clock the kernel measures futex waits by.

use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use rustix::time::Timespec;

const NANOS: i64 = 1_000_000_000;

/// The time now. Where the clock cannot be read it ends the process, having said why: it is read in the
/// middle of a protocol's steps, from where a panic would go on with a lock that is not held.
pub(crate) fn now() -> Timespec {
    let mut now = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: there is room for a time.
    if unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, now.as_mut_ptr()) } != 0 {
        refused(Errno::last());
    }
    // SAFETY: the call has filled it in.
    let now = unsafe { now.assume_init() };
    Timespec { tv_sec: now.tv_sec, tv_nsec: now.tv_nsec }
}

/// Only a sandbox refuses it, where the kernel has to be asked: as a rule, the time is in memory that each
/// process has.
#[cold]
fn refused(errno: Errno) -> ! {
    let why = format!(
        "multiproc: the system call clock_gettime is not to be had: {errno}; every wait \
         reads the clock by it: allow it in the sandbox that this process runs in\n"
    );
    // Not by std's stream, whose lock may be another's.
    let _ = rustix::io::write(rustix::stdio::stderr(), why.as_bytes());
    std::process::abort()
}

/// Until when to wait. Absolute, so that a wait in several parts ends when the whole should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deadline {
    Never,
    At(Timespec),
}

/// A model knows of a deadline only whether there is one.
#[cfg(modelled)]
impl std::hash::Hash for Deadline {
    fn hash<H: std::hash::Hasher>(&self, to: &mut H) {
        (*self == Deadline::Never).hash(to);
    }
}

impl Deadline {
    /// `span` from now; a span too long for the clock is for ever.
    pub(crate) fn after(span: Duration) -> Self {
        let now = now();
        let nanos = now.tv_nsec + i64::from(span.subsec_nanos());
        i64::try_from(span.as_secs())
            .ok()
            .and_then(|secs| now.tv_sec.checked_add(secs)?.checked_add(nanos / NANOS))
            .map_or(Deadline::Never, |tv_sec| {
                Deadline::At(Timespec { tv_sec, tv_nsec: nanos % NANOS })
            })
    }

    /// The deadline at `instant`; one that has passed is now.
    pub(crate) fn at(instant: Instant) -> Self {
        Self::after(instant.saturating_duration_since(Instant::now()))
    }

    /// The earlier of this deadline and `span` from now, and whether it is this one.
    #[cfg_attr(modelled, allow(dead_code, reason = "no slice ends in a model"))]
    pub(crate) fn sooner(self, span: Duration) -> (Self, bool) {
        let slice = Self::after(span);
        match (self, slice) {
            (Deadline::At(end), Deadline::At(cut)) if end <= cut => (self, true),
            _ => (slice, false),
        }
    }

    /// Whether it has passed: no clock is asked for one that never does.
    #[cfg(not(modelled))]
    pub(crate) fn has_passed(self) -> bool {
        self.remaining().is_some_and(|left| left.is_zero())
    }

    /// As on the machine, but by the model's time.
    #[cfg(modelled)]
    pub(crate) fn has_passed(self) -> bool {
        self != Deadline::Never && super::backend::has_passed()
    }

    /// What is left until the deadline: `None` for ever, zero when it has passed.
    pub(crate) fn remaining(self) -> Option<Duration> {
        let Deadline::At(end) = self else { return None };
        let now = now();
        let nanos = i128::from(end.tv_sec - now.tv_sec) * i128::from(NANOS)
            + i128::from(end.tv_nsec - now.tv_nsec);
        Some(Duration::from_nanos(u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_too_long_for_the_clock_is_for_ever() {
        assert_eq!(Deadline::after(Duration::MAX), Deadline::Never);
        assert_eq!(Deadline::Never.remaining(), None);
    }

    #[test]
    fn an_instant_that_has_passed_leaves_nothing() {
        let deadline = Deadline::at(Instant::now() - Duration::from_secs(1));
        assert_eq!(deadline.remaining(), Some(Duration::ZERO));
    }

    #[test]
    fn the_sooner_of_two_says_whose_it_is() {
        let near = Deadline::after(Duration::ZERO);
        assert_eq!(near.sooner(Duration::from_secs(9)), (near, true));
        assert!(!Deadline::Never.sooner(Duration::from_secs(9)).1);
    }
}
