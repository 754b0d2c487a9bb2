//! The two words that count the messages: see the table in `mod.rs`.

use crate::sync::wake_and_clear;
use crate::sys::{AdaptiveSpin, Deadline, Futex, Op, Ordering, Ordering::*, Wait};

pub(crate) const WAIT_BIT: u32 = 0;
pub(crate) const WAIT: u32 = 1 << WAIT_BIT;
pub(crate) const CLOSED_BIT: u32 = 1;
pub(crate) const CLOSED: u32 = 1 << CLOSED_BIT;
/// One message, in a word.
pub(crate) const ONE_BIT: u32 = 2;
pub(crate) const ONE: u32 = 1 << ONE_BIT;
pub(crate) const COUNT: u32 = !(ONE - 1);

/// How many messages lie between two words.
#[inline]
#[cfg_attr(modelled, multiproc_checker::mutants)]
pub(crate) fn between(head: u32, tail: u32) -> u32 {
    (tail & COUNT).wrapping_sub(head & COUNT) >> ONE_BIT
}

/// Makes visible what was done: one more on `word`, seen as `seen`, and a sleeper is woken.
#[inline]
#[cfg_attr(modelled, multiproc_checker::mutants)]
pub(super) fn commit(word: &Futex, seen: u32, order: Ordering, wake_order: Ordering) {
    // The count is ours alone, by the side's lock; only bits may have come since. Relaxed when it
    // fails: nothing is made of what is there instead.
    let more = seen.wrapping_add(ONE);
    if seen & WAIT != 0 || word.compare_exchange(seen, more, order, Relaxed).is_err() {
        commit_slow(word, wake_order);
    }
}

#[cold]
#[cfg_attr(modelled, multiproc_checker::mutants)]
fn commit_slow(word: &Futex, order: Ordering) {
    wake_and_clear(word, WAIT_BIT, 1, |word, n| word.wake_op(Op::AddBit(ONE_BIT), n, order));
}

/// Sleeps until `word` is another than `seen` but for `WAIT`: at once, soon, or when woken.
#[cold]
#[cfg_attr(modelled, multiproc_checker::mutants)]
pub(super) fn sleep(
    word: &Futex,
    adaptive_spin: &AdaptiveSpin,
    seen: u32,
    until: Deadline,
) -> Wait {
    let changed = |now: u32| (now ^ seen) & !WAIT != 0;
    // A peer may keep changing the word, so that nobody ever comes to sleep on it.
    if until.has_passed() {
        return Wait::TimedOut;
    }
    let now = adaptive_spin.look(word, seen, changed);
    if changed(now) {
        return Wait::Woken;
    }
    let announced = now | WAIT;
    if now & WAIT == 0 {
        // Relaxed: it only announces a sleeper; whoever is woken looks with an Acquire. Where it fails the
        // word is another, or another has announced itself: the wait finds out.
        let _ = word.compare_exchange(now, announced, Relaxed, Relaxed);
    }
    word.wait_slice(announced, until)
}
