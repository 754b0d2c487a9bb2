//! A word that threads and processes can sleep on: an atomic and the futex of its address.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use rustix::io::Errno;
use rustix::thread::futex::{self, Flags, WakeOp, WakeOpCmp};

use crate::sys::{Deadline, Op, Wait};

/// Never private: a private futex is keyed by the address space and never meets another process.
const SHARED: Flags = Flags::empty();

/// The longest that anyone sleeps before looking whether those it waits for still live.
const SLICE: Duration = Duration::from_millis(100);

/// Times a thread looks again before it sleeps.
const SPINS: u32 = 100;

/// How many are woken when a peer sleeps on the word as on a priority-inheriting futex, which only
/// mischief does: the kernel refuses to wake it, and whoever sleeps behind it. They look again
/// after their slice.
const STRANGER: u32 = 0;

/// An atomic `u32` with a futex. All zero is a valid word.
#[repr(transparent)]
#[derive(Debug)]
pub(crate) struct Futex(AtomicU32);

impl Futex {
    pub(crate) const fn new(value: u32) -> Self {
        Futex(AtomicU32::new(value))
    }

    #[inline]
    pub(crate) fn load(&self, order: Ordering) -> u32 {
        self.0.load(order)
    }

    #[inline]
    pub(crate) fn store(&self, value: u32, order: Ordering) {
        self.0.store(value, order);
    }

    #[inline]
    pub(crate) fn compare_exchange(
        &self,
        old: u32,
        new: u32,
        success: Ordering,
        failure: Ordering,
    ) -> Result<u32, u32> {
        self.0.compare_exchange(old, new, success, failure)
    }

    /// Looks at the word (Relaxed) until `done` likes it or a short time has passed; gives the
    /// last value seen, which at first is `seen`. For peers that are running right now: a sleep
    /// costs a thousand times more.
    #[inline]
    pub(crate) fn spin(&self, mut seen: u32, done: impl Fn(u32) -> bool) -> u32 {
        for _ in 0..SPINS {
            if done(seen) {
                break;
            }
            std::hint::spin_loop();
            seen = self.0.load(Ordering::Relaxed);
        }
        seen
    }

    /// Looks at the word (Relaxed) until `done` likes it, for at most `turns` pauses; gives the last
    /// value seen, and how many it took. The pauses grow: a peer that is at work on the word's cache
    /// line gets on faster the less it is looked at.
    #[inline]
    pub(crate) fn spin_for(&self, turns: u32, done: impl Fn(u32) -> bool) -> (u32, u32) {
        let (mut taken, mut step) = (0, 1);
        loop {
            let value = self.0.load(Ordering::Relaxed);
            if taken >= turns || done(value) {
                return (value, taken);
            }
            (0..step).for_each(|_| std::hint::spin_loop());
            taken += step;
            step = (step * 2).min(64);
        }
    }

    /// Lets others run, up to `times` times, until `done` likes the word (Relaxed); gives the last
    /// value seen. For peers that share the processor: to hand it over costs less than a sleep and
    /// a wake.
    pub(crate) fn yield_for(&self, times: u32, done: impl Fn(u32) -> bool) -> u32 {
        for _ in 0..times {
            std::thread::yield_now();
            let value = self.0.load(Ordering::Relaxed);
            if done(value) {
                return value;
            }
        }
        self.0.load(Ordering::Relaxed)
    }

    /// Sleeps while the word is `expected`, until woken or the deadline.
    pub(crate) fn wait(&self, expected: u32, deadline: Deadline) -> Wait {
        let timeout = match &deadline {
            Deadline::Never => None,
            Deadline::At(end) => Some(end),
        };
        // FUTEX_WAIT_BITSET, not FUTEX_WAIT: its timeout is absolute, on CLOCK_MONOTONIC.
        match futex::wait_bitset(&self.0, SHARED, expected, timeout, NonZeroU32::MAX) {
            Ok(()) => Wait::Woken,
            Err(Errno::TIMEDOUT) => Wait::TimedOut,
            // The kernel looks at the word first, and at the clock only when it is as expected: a
            // word that a peer keeps changing would be looked at for ever.
            Err(Errno::AGAIN) if deadline.has_passed() => Wait::TimedOut,
            Err(Errno::AGAIN | Errno::INTR) => Wait::Changed,
            Err(errno) => refused("wait", errno),
        }
    }

    /// As [`Futex::wait`], but returns at least every 100 ms, with [`Wait::Slice`].
    pub(crate) fn wait_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        self.wait_at_most(expected, deadline, SLICE)
    }

    /// As [`Futex::wait_slice`], but looks for a short time before it sleeps.
    pub(crate) fn spin_slice(&self, expected: u32, deadline: Deadline) -> Wait {
        let changed = self.spin(expected, |now| now != expected) != expected;
        // A peer can change the word for ever: who is late is late all the same.
        if changed && !deadline.has_passed() {
            return Wait::Changed;
        }
        self.wait_slice(expected, deadline)
    }

    /// As [`Futex::wait_slice`], with a slice as long as the caller wants it.
    pub(crate) fn wait_at_most(&self, expected: u32, deadline: Deadline, slice: Duration) -> Wait {
        let (end, last) = deadline.sooner(slice);
        match self.wait(expected, end) {
            Wait::TimedOut if !last => Wait::Slice,
            ended => ended,
        }
    }

    /// Whether a future's own thread sleeps on the word, as it does in a model. Here another does it.
    pub(crate) fn sleeps_here(&self, _expected: u32, _slices: bool) -> bool {
        false
    }

    /// Wakes up to `n` sleepers; gives how many.
    pub(crate) fn wake(&self, n: u32) -> u32 {
        match futex::wake(&self.0, SHARED, n) {
            Ok(woken) => woken as u32,
            Err(Errno::INVAL) => STRANGER,
            Err(errno) => refused("wake", errno),
        }
    }

    /// Changes the word and wakes up to `n` sleepers in one step that no signal can part; gives
    /// how many it woke. The kernel's step is a full barrier; `_order` is what the protocol asks.
    pub(crate) fn wake_op(&self, op: Op, n: u32, _order: Ordering) -> u32 {
        let (op, bit) = match op {
            Op::SetBit(bit) => (WakeOp::SetShift, bit),
            Op::OrBit(bit) => (WakeOp::OrShift, bit),
            Op::ClearBit(bit) => (WakeOp::AndNShift, bit),
            Op::AddBit(bit) => (WakeOp::AddShift, bit),
        };
        // The call would also wake sleepers of a second word where its old value compares true.
        // Both words are this one, and a word that was all ones does not occur: no second wake.
        let never = (WakeOpCmp::Eq, 0xfff);
        match futex::wake_op(&self.0, SHARED, n, 1, &self.0, op, never.0, bit as u16, never.1) {
            Ok(woken) => woken as u32,
            // The word was changed all the same: that comes first.
            Err(Errno::INVAL) => STRANGER,
            Err(errno) => refused("wake_op", errno),
        }
    }
}

/// The kernel refuses any other futex call only where there are none (a seccomp filter): no primitive
/// of this crate can work there, nor can std's and libc's. It ends the process, and says so first. A panic
/// would run a hook, drops and whoever catches it in the middle of a protocol's step.
#[cold]
fn refused(call: &str, errno: Errno) -> ! {
    let why = format!(
        "multiproc: the system call futex ({call}) is not to be had: {errno}; every primitive sleeps and \
         wakes by it: allow it in the sandbox that this process runs in\n"
    );
    // Not by std's stream, whose lock sleeps on a futex.
    let _ = rustix::io::write(rustix::stdio::stderr(), why.as_bytes());
    std::process::abort()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_late_and_finds_another_value_is_late() {
        let past = Deadline::after(Duration::ZERO);
        assert_eq!(Futex::new(1).wait(0, past), Wait::TimedOut);
        assert_eq!(Futex::new(1).spin_slice(0, past), Wait::TimedOut);
        assert_eq!(Futex::new(1).spin_slice(0, Deadline::Never), Wait::Changed);
        assert_eq!(Futex::new(1).wait(0, Deadline::Never), Wait::Changed);
    }
}
