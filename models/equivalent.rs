//! Places of the source that no model falls without, each with the reason why. The whole run fails on one
//! that is found weakened after all, or that is not there any more.

/// A function and an expression, as in the name of a mutant.
pub(crate) const EQUIVALENT: &[(&str, &str)] = &[
    // As good, but slower.
    (
        "commit_slow: word.wake_op(Op::AddBit(ONE_BIT), 1, order) < 1",
        "a `WAIT` that stays makes each commit look for sleepers, and one that goes too early wakes all",
    ),
    (
        "RawLock::unlock_slow: self.word.wake_op(Op::SetBit(WAITERS_BIT), 1, Release) < 1",
        "as above",
    ),
    ("Semaphore::wake: self.0.wake(permits) < permits", "as above"),
    (
        "Ring::get_locked: store(tail, Relaxed)",
        "it spares the consumers a look at a line that the producers write",
    ),
    (
        "Patrol::is_due: compare_exchange(last, now, Relaxed, Relaxed)",
        "it spares the others from looking at once",
    ),
    (
        "State::next: self.age() + 1",
        "who sleeps through more rounds than are remembered may hear of a reset that was none of its own",
    ),
    // What a model has none of.
    ("RawLock::lock_slow: slices.wrapping_add(1)", "a model's kernel is as good as a close look"),
    ("RawLock::rob: me.end()", "a model has no logger that panics or takes locks"),
    // loom kills nobody.
    (
        "RawLock::rob: compare_exchange(seen, name | WAITERS, Acquire, Relaxed)",
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
