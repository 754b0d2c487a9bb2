//! Waiting for whichever of several results is there first.

use std::time::Duration;

use crate::pool::AsyncResult;
use crate::sys::Futex;
use crate::wait::{Sealed, Source, Wakes, Words, wait_any_for};

/// Between two looks at tasks that wait for a place in the pool's memory: they come to one when others end.
const SLICE: Duration = Duration::from_millis(100);

/// Waits until one of the results is there, or more; gives the place of the first of them in the list. `None` of
/// an empty list.
pub(super) fn await_some<R>(results: &[&AsyncResult<R>]) -> Option<usize> {
    loop {
        if let Some(ready) = results.iter().position(|result| result.is_ready()) {
            return Some(ready);
        }
        // Those that wait for a place, any number, are not slept for: they cannot be done yet. But for the first
        // one, if there is no other.
        let placed: Vec<_> = results.iter().filter(|result| result.has_place()).collect();
        let timeout = if placed.len() == results.len() { Duration::MAX } else { SLICE };
        let sources = if placed.is_empty() { vec![results.first()?] } else { placed };
        let sources: Vec<_> = sources.into_iter().map(|result| *result as _).collect();
        if wait_any_for(&sources, timeout).is_err() {
            // Refused is only a sleep on descriptors, and these have none.
            results.first()?.wait_for(SLICE);
        }
    }
}

impl<R> Words for AsyncResult<R> {
    fn wakes(&self) -> Wakes {
        Wakes::All
    }

    fn look(&self, _: &mut Option<u32>) -> Option<(&Futex, u32)> {
        self.announce()
    }
}

impl<R> Sealed for AsyncResult<R> {
    fn source(&self) -> Source<'_> {
        Source::of(self)
    }
}
