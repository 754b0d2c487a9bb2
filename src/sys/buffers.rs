//! Large buffers, kept between their uses.
//!
//! A block of some megabytes that is freed goes back to the kernel, and comes back as pages that are
//! cleared one by one, which takes longer than to copy a message into them. So what one message has used is
//! kept for the next, of any thread, up to a bound.

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::sys::ForkLocal;

/// What is kept at most, in bytes of all buffers together.
const MOST: usize = 64 << 20;

/// Those that nobody uses. (What a forked child has of its parent's it leaves alone.)
static KEPT: ForkLocal<Mutex<Vec<Vec<u8>>>> = ForkLocal::new(|| Mutex::new(Vec::new()));

fn kept() -> MutexGuard<'static, Vec<Vec<u8>>> {
    // Whoever panicked here has left whole buffers.
    KEPT.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// A buffer of `len` bytes or more, which are anything.
#[cold]
pub(crate) fn take_buffer(len: usize) -> Vec<u8> {
    let mut kept = kept();
    let fits = |buffer: &&(usize, &Vec<u8>)| buffer.1.len() >= len;
    let all = || kept.iter().enumerate();
    let smallest = all().filter(|one| fits(&one)).min_by_key(|(_, buffer)| buffer.len());
    if let Some((at, _)) = smallest {
        return kept.swap_remove(at);
    }
    // The new one takes the place of the one that comes nearest: sizes that grow do not add up.
    let nearest = all().max_by_key(|(_, buffer)| buffer.len()).map(|(at, _)| at);
    let outgrown = nearest.map(|at| kept.swap_remove(at));
    drop(kept);
    drop(outgrown);
    vec![0; len]
}

/// Keeps a buffer for others to take, unless that would be too much.
#[cold]
pub(crate) fn keep_buffer(buffer: Vec<u8>) {
    let mut kept = kept();
    let sum: usize = kept.iter().map(Vec::capacity).sum();
    if buffer.capacity() <= MOST - sum {
        kept.push(buffer);
    }
}

/// Frees the buffers that this process keeps for further large messages, and gives how many bytes they had.
///
/// A message of more than 64 KiB in a [`Queue`](crate::Queue) passes through a buffer, which the process
/// keeps for the next: up to 64 MiB in all, for all queues and threads. After a time of many large messages
/// this gives that memory back. What is in use at this moment is not freed, and kept again when it is done
/// with. (A smaller buffer, which each thread keeps for itself, goes with the thread.)
///
/// ```
/// let queue = multiproc::Queue::with_bytes(1, 2 << 20)?;
/// queue.put(vec![7u8; 1 << 20])?;
/// assert_eq!(queue.get()?.len(), 1 << 20);
/// assert!(multiproc::release_buffers() >= 1 << 20);
/// assert_eq!(multiproc::release_buffers(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn release_buffers() -> usize {
    // Freed when nobody waits for it.
    let released = std::mem::take(&mut *kept());
    released.iter().map(Vec::capacity).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_are_kept_up_to_a_bound_and_outgrown_ones_are_not() {
        // No other test of this binary keeps anything as large.
        let large = take_buffer(MOST / 2 + 1);
        let other = take_buffer(MOST / 2 + 2);
        let place = large.as_ptr();
        keep_buffer(large);
        keep_buffer(other);
        let sum: usize = kept().iter().map(Vec::capacity).sum();
        assert!(sum <= MOST, "{sum} bytes are kept");
        let again = take_buffer(MOST / 2);
        assert_eq!(again.as_ptr(), place, "the first is kept, and there is no room for the second");
        keep_buffer(again);
        let larger = take_buffer(MOST / 2 + 3);
        assert!(!kept().iter().any(|one| one.as_ptr() == place), "outgrown, and freed");
        drop(larger);
        assert_eq!(take_buffer(MOST + 1).len(), MOST + 1);
    }
}
