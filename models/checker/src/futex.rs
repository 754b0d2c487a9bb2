//! Waits and wakes, as the kernel's futex has them: a compare that enqueues, a wake, and a change that
//! wakes, each in one step.
//!
//! A wait and a wake order nothing. (With loom they do: its `unpark` makes the woken see what the waker
//! wrote. So an ordering shows only on a way to the data that does not sleep.)

use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::atomic::AtomicU32;
use crate::executor::{Access, Change, Wakes};
use crate::mutants;

/// By what a wait may end, besides a wake.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Timeouts {
    /// It has a deadline, which may pass at any time.
    pub deadline: bool,
    /// The caller looks again from time to time, as one that is prepared for peers who die before they
    /// wake it: its wait has slices. With loom no slice ever ends, or it would hide that a wake is lost;
    /// in a search, as its [`Slices`](crate::Slices) say.
    pub slices: bool,
}

/// How a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wait {
    /// By a wake.
    Woken,
    /// The value differed, or for no reason, as by a signal.
    Changed,
    /// A slice of it is over.
    Slice,
    /// The deadline has passed.
    TimedOut,
}

/// What [`wake_op`] does to the word, as `FUTEX_WAKE_OP`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// `word = n`
    Set(u32),
    /// `word += n`
    Add(u32),
    /// `word |= n`
    Or(u32),
    /// `word &= !n`
    AndNot(u32),
}

/// Waits while the word is `expected`.
#[track_caller]
pub fn wait(word: &AtomicU32, expected: u32, timeouts: Timeouts) -> Wait {
    let expected = mutants::compares("wait").then_some(expected.into());
    word.object().wait(expected, timeouts, Location::caller())
}

/// Wakes up to `n` who wait on the word, and gives how many. With the search it may be any of them, with
/// loom it is those who have waited longest.
#[track_caller]
pub fn wake(word: &AtomicU32, n: u32) -> u32 {
    let wakes = Wakes { n, really: mutants::wakes("wake", n) };
    word.object().wake(wakes, None, Location::caller())
}

/// Changes the word, and wakes up to `n` who wait on it, in one step.
#[track_caller]
pub fn wake_op(word: &AtomicU32, op: Op, n: u32, order: Ordering) -> u32 {
    let change = match op {
        _ if !mutants::writes("wake_op") => Change::Or(0),
        Op::Set(value) => Change::Swap(value.into()),
        Op::Add(more) => Change::Add(more.into()),
        Op::Or(bits) => Change::Or(bits.into()),
        Op::AndNot(bits) => Change::And((!bits).into()),
    };
    let order = mutants::ordering("wake_op", order);
    let wakes = Wakes { n, really: mutants::wakes("wake_op", n) };
    let at = Location::caller();
    let access = Access { what: "change and wake", change, order, failure: order, at };
    word.object().wake(wakes, Some(access), at)
}
