//! Places of the source that no model falls without, each with the reason why. The whole run fails on one
//! that is found weakened after all, or that is not there any more.

/// A function and an expression, as in the name of a mutant.
pub(crate) const EQUIVALENT: &[(&str, &str)] = &[
    // As good, but slower.
    (
        "wake_and_clear: wake(word, n) < n",
        "a bit that stays makes each look for sleepers, and one that goes too early wakes all",
    ),
    ("wake_and_clear: wake_op(Op::ClearBit(bit), ALL, Relaxed)", "as above"),
    (
        "Ring::get_locked: store(tail, Relaxed)",
        "it spares the consumers a look at a line that the producers write",
    ),
    (
        "Throttle::is_due: compare_exchange(last, now, Relaxed, Relaxed)",
        "it spares the others from looking at once",
    ),
    (
        "RawLock::await_lender: wait_slice(seen, until)",
        "whoever sleeps though the word has changed looks again after a pause all the same",
    ),
    // Of two deaths, or of a death by loom.
    (
        "Owed::take_over: self.leave(place)",
        "it is for a second notification that another who dies leaves",
    ),
    (
        "RawLock::take_over: exchange_since(version, seen, name | WAITERS, Acquire)",
        "what those wrote who had the lock before the dead, whoever takes it over must see",
    ),
    (
        "Owed::take_over: load(Acquire)",
        "it orders one who takes over after another who has, of those that a death has left",
    ),
    (
        "Owed::take_over: compare_exchange(seen, seen.wrapping_add(COUNT + 1), Release, Relaxed)",
        "as above",
    ),
];
