//! Words that are slept on by their address alone.
//!
//! A future that waits can be leaked (`mem::forget`), and the word that it waits for freed after that. So a
//! thread that sleeps in its stead must not read the word: it gives the address to the kernel, which compares
//! the value and says so. To the kernel, an address without memory is an error like another, and a word that has
//! become something else is a value that differs.

use std::ptr::{from_ref, null, with_exposed_provenance_mut};

use rustix::io::Errno;
use rustix::thread::futex::{ClockId, Wait as Entry, WaitFlags, WaitPtr, WaitvFlags, waitv};

use crate::sys::{Deadline, Futex, WordsWait};

/// `FUTEX_CMP_REQUEUE`, as in the kernel's header: compares, then wakes and moves as many as it is told.
const FUTEX_CMP_REQUEUE: i32 = 4;
/// `FUTEX_WAKE`, as there.
const FUTEX_WAKE: i32 = 1;

/// Where a [`Futex`] is or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WordAddress(usize);

impl WordAddress {
    pub(crate) fn of(word: &Futex) -> Self {
        WordAddress(from_ref(word).expose_provenance())
    }

    /// The most that [`WordAddress::wait_any`] takes.
    pub(crate) const MOST: usize = 128;

    /// Sleeps while each of the words is as expected, until one is woken or the deadline.
    pub(crate) fn wait_any(words: &[(WordAddress, u32)], deadline: Deadline) -> WordsWait {
        let entry = |&(WordAddress(address), expected): &(WordAddress, u32)| {
            let mut entry = Entry::new();
            entry.val = expected.into();
            entry.uaddr = WaitPtr::new(with_exposed_provenance_mut(address));
            // Not private: as the sleeps and wakes of `Futex`.
            entry.flags = WaitFlags::SIZE_U32;
            entry
        };
        let entries: Vec<_> = words.iter().map(entry).collect();
        let timeout = match &deadline {
            Deadline::Never => None,
            Deadline::At(end) => Some(end),
        };
        match waitv(&entries, WaitvFlags::empty(), timeout, ClockId::Monotonic) {
            Ok(index) => WordsWait::Woken(index),
            Err(Errno::TIMEDOUT) => WordsWait::TimedOut,
            // FAULT: one of them is not there any more.
            Err(Errno::AGAIN | Errno::INTR | Errno::FAULT) => WordsWait::Changed,
            Err(_) => WordsWait::Refused,
        }
    }

    /// Whether there is a word of that value.
    pub(crate) fn is(self, expected: u32) -> bool {
        // SAFETY: the call compares what is at the address, if anything is; it wakes nobody, and moves
        // nobody to another word.
        unsafe { self.futex(FUTEX_CMP_REQUEUE, 0, expected) == 0 }
    }

    /// Wakes one that sleeps on the word. If another word is there by now, one of its sleepers looks in vain,
    /// as the kernel lets any sleeper at times.
    pub(crate) fn wake_one(self) {
        // SAFETY: the call reads and writes no memory.
        unsafe { self.futex(FUTEX_WAKE, 1, 0) };
    }

    /// The call futex, to which the second word is the first.
    ///
    /// # Safety
    ///
    /// `operation` does not write to the word.
    unsafe fn futex(self, operation: i32, count: u32, expected: u32) -> i64 {
        let word = with_exposed_provenance_mut::<u32>(self.0);
        let none = null::<libc::timespec>();
        // SAFETY: the caller's promise; the kernel checks the address.
        unsafe { libc::syscall(libc::SYS_futex, word, operation, count, none, word, expected) }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;
    use crate::sys::Ordering::Relaxed;

    fn is_refused() -> bool {
        let word = Futex::new(0);
        let past = Deadline::after(Duration::ZERO);
        let ended = WordAddress::wait_any(&[(WordAddress::of(&word), 0)], past);
        if ended == WordsWait::Refused {
            eprintln!("SKIPPED: the kernel has no futex_waitv");
        }
        ended == WordsWait::Refused
    }

    #[test]
    fn the_kernel_compares_and_nothing_is_read_here() {
        let word = Futex::new(7);
        let address = WordAddress::of(&word);
        assert!(address.is(7) && !address.is(8));
        let nowhere = WordAddress(8);
        assert!(!nowhere.is(0), "there is no memory");
        nowhere.wake_one();
        if is_refused() {
            return;
        }
        let past = Deadline::after(Duration::ZERO);
        assert_eq!(WordAddress::wait_any(&[(address, 8)], Deadline::Never), WordsWait::Changed);
        assert_eq!(WordAddress::wait_any(&[(address, 7)], past), WordsWait::TimedOut);
        assert_eq!(WordAddress::wait_any(&[(nowhere, 0)], Deadline::Never), WordsWait::Changed);
    }

    #[test]
    fn who_sleeps_on_many_words_is_woken_by_each() {
        if is_refused() {
            return;
        }
        let words: Vec<_> = (0..WordAddress::MOST).map(|_| Futex::new(0)).collect();
        let set: Vec<_> = words.iter().map(|word| (WordAddress::of(word), 0)).collect();
        for index in [0, 77, WordAddress::MOST - 1] {
            thread::scope(|scope| {
                let sleeper = scope.spawn(|| WordAddress::wait_any(&set, Deadline::Never));
                while words[index].wake(1) == 0 {
                    thread::yield_now();
                }
                assert_eq!(sleeper.join().unwrap(), WordsWait::Woken(index));
            });
        }
        // Relaxed: for the kernel, which compares; this thread has written it.
        words[5].store(1, Relaxed);
        assert_eq!(WordAddress::wait_any(&set, Deadline::Never), WordsWait::Changed);
    }
}
