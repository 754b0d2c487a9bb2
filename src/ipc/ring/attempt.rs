//! Single attempts of a wait that does not sleep here: a future's, or of several queues at once.

use crate::ipc::ring::buffer::Buffer;
use crate::ipc::ring::words::WAIT;
use crate::ipc::ring::{Refusal, Ring, WaitMode};
use crate::sys::{Futex, Ordering::Relaxed};

/// Attempts while others keep changing the word. After them the sleep begins all the same, and is over at once, as
/// the word has another value: whoever polls the future can do other things in between.
const ATTEMPTS: u32 = 4;

impl Ring {
    /// The word that whoever waits for a message sleeps on.
    pub(crate) fn tail(&self) -> &Futex {
        &self.memory.sides().tail
    }

    /// The word that whoever waits for room sleeps on.
    pub(crate) fn head(&self) -> &Futex {
        &self.memory.sides().head
    }

    /// Takes a message, or announces a sleeper and gives the value of the tail that it sleeps on.
    pub(crate) fn get_or_announce(&self, buffer: &mut Buffer) -> Result<Option<u32>, Refusal> {
        attempt(self.tail(), || self.get(buffer, &WaitMode::Not))
    }

    /// Puts a message, or announces a sleeper and gives the value of the head that it sleeps on.
    pub(crate) fn put_or_announce(&self, message: &Buffer) -> Result<Option<u32>, Refusal> {
        attempt(self.head(), || self.put(message, &WaitMode::Not))
    }

    /// Unless there is a message to be taken, or none will come, announces a sleeper and gives the value of the
    /// tail that it sleeps on.
    pub(crate) fn look(&self) -> Option<u32> {
        let is_there = || self.len() > 0 || self.is_closed();
        let look = || if is_there() { Ok(()) } else { Err(Refusal::NotNow) };
        attempt(self.tail(), look).unwrap_or(None)
    }
}

/// Does `once` what can be done now; where it cannot, announces a sleeper on `word`.
fn attempt(
    word: &Futex,
    mut once: impl FnMut() -> Result<(), Refusal>,
) -> Result<Option<u32>, Refusal> {
    let mut attempts = ATTEMPTS;
    loop {
        // Before the attempt: what changes from here on ends the sleep, and what the attempt finds is at
        // least as new. Relaxed: only to be compared; what is found is found with an Acquire.
        let seen = word.load(Relaxed);
        match once() {
            Ok(()) => return Ok(None),
            Err(Refusal::NotNow) => {}
            Err(refusal) => return Err(refusal),
        }
        attempts -= 1;
        // Relaxed: it only announces a sleeper.
        let announced =
            seen & WAIT != 0 || word.compare_exchange(seen, seen | WAIT, Relaxed, Relaxed).is_ok();
        if announced || attempts == 0 {
            return Ok(Some(seen | WAIT));
        }
    }
}
