//! When to try again to start a worker.

use std::time::{Duration, Instant};

use crate::error::{Chain, WorkerNotStarted};

/// After the first failure. Most troubles are over sooner than anybody notices.
const FIRST: Duration = Duration::from_millis(10);

/// A start that fails costs about a millisecond of a processor, so one in two seconds costs nothing
/// that counts.
const LONGEST: Duration = Duration::from_secs(2);

/// So many initializers in a row that panic will not be the last.
const HOPELESS: u32 = 3;

/// What is known of starts that fail. After each, the next is tried when a pause is over; while it
/// goes on, each pause is twice as long as the one before.
#[derive(Debug)]
pub(super) struct Backoff {
    /// What the next failure begins.
    pause: Duration,
    trouble: Option<Trouble>,
    /// How often an initializer has panicked since a worker has last started.
    initializers: u32,
}

/// The last start has failed.
#[derive(Debug)]
struct Trouble {
    why: WorkerNotStarted,
    /// When the pause is over.
    again: Instant,
}

impl Backoff {
    pub(super) fn new() -> Self {
        Backoff { pause: FIRST, trouble: None, initializers: 0 }
    }

    /// A worker could not be started, or has ended before it had done anything. Of those that were
    /// started together, the first one counts: gives what is to be logged of it.
    pub(super) fn failed(&mut self, why: WorkerNotStarted, now: Instant) -> Option<String> {
        if self.trouble.as_ref().is_some_and(|trouble| now < trouble.again) {
            return None;
        }
        let (pause, told) = (self.pause, Chain(&why));
        let warning = format!(
            "a worker of a pool could not be started: {told}: the next try is in {pause:?}"
        );
        if matches!(why, WorkerNotStarted::Initializer { .. }) {
            self.initializers += 1;
        }
        self.trouble = Some(Trouble { why, again: now + pause });
        self.pause = (pause * 2).min(LONGEST);
        Some(warning)
    }

    /// A worker has started: so others can. Should it end before it has done anything, the pauses go
    /// on to grow. Whether it could not before.
    pub(super) fn started(&mut self) -> bool {
        self.initializers = 0;
        self.trouble.take().is_some()
    }

    /// A worker has done its first task.
    pub(super) fn works(&mut self) {
        self.pause = FIRST;
    }

    /// Why the last start has failed; `None` if it has not.
    pub(super) fn why(&self) -> Option<&WorkerNotStarted> {
        self.trouble.as_ref().map(|trouble| &trouble.why)
    }

    /// Whether it is no trouble that others have made: the pool's initializer has panicked again and again.
    pub(super) fn is_hopeless(&self) -> bool {
        self.initializers >= HOPELESS
    }

    /// When the next start is to be tried; `None` if the last has not failed.
    pub(super) fn again(&self) -> Option<Instant> {
        self.trouble.as_ref().map(|trouble| trouble.again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_limit_and_begin_anew_when_a_worker_works() {
        let mut backoff = Backoff::new();
        let mut now = Instant::now();
        let mut next = |backoff: &mut Backoff| {
            backoff.failed(WorkerNotStarted::Exited(1), now);
            // One that was started together with the first.
            backoff.failed(WorkerNotStarted::Exited(2), now);
            assert_eq!(backoff.why(), Some(&WorkerNotStarted::Exited(1)));
            let pause = backoff.again().unwrap() - now;
            now += pause;
            pause
        };
        let pauses: Vec<_> = (0..12).map(|_| next(&mut backoff)).collect();
        assert_eq!(pauses[..3], [FIRST, FIRST * 2, FIRST * 4]);
        assert_eq!(pauses[10..], [LONGEST, LONGEST]);

        backoff.started();
        assert_eq!((backoff.why(), backoff.again()), (None, None));
        assert_eq!(next(&mut backoff), LONGEST, "it has started, and ended");
        backoff.started();
        backoff.works();
        assert_eq!(next(&mut backoff), FIRST);
    }
}
