//! Places of the source that no model falls without, each with the reason why. The whole run fails on one
//! that is found weakened after all, or that is not there any more.

/// A function and an expression, as in the name of a mutant.
pub(crate) const EQUIVALENT: &[(&str, &str)] = &[
    // As good, but slower.
    (
        "commit_slow: word.wake_op(Op::AddBit(ONE_BIT), 1, order) < 1",
        "a bit that stays makes each look for sleepers, and one that goes too early wakes all",
    ),
    (
        "RawLock::unlock_slow: self.word.wake_op(Op::SetBit(WAITERS_BIT), 1, Release) < 1",
        "as above",
    ),
    ("Semaphore::wake: self.0.wake(permits) < permits", "as above"),
    ("RawLock::unlock_slow: wake_op(Op::ClearBit(WAITERS_BIT), ALL, Relaxed)", "as above"),
    ("Semaphore::wake: wake_op(Op::ClearBit(WAIT_BIT), ALL, Relaxed)", "as above"),
    (
        "Unfinished::join: self.done.compare_exchange(seen, announced, Relaxed, Relaxed).is_ok()",
        "it goes round once more, and then sees what it announced",
    ),
    ("sleep: word.compare_exchange(now, announced, Relaxed, Relaxed).is_err()", "as above"),
    (
        "Ring::get_locked: store(tail, Relaxed)",
        "it spares the consumers a look at a line that the producers write",
    ),
    (
        "Throttle::is_due: compare_exchange(last, now, Relaxed, Relaxed)",
        "it spares the others from looking at once",
    ),
    ("Participants::register_slow: other != mine", "one that is entered twice does no harm"),
    ("Ring::parts: count - first", "the copy ends with the message"),
    (
        "State::next: self.age() + 1",
        "who sleeps through more rounds than are remembered may hear of a reset that was none of its own",
    ),
    (
        "RawLock::take: seen & WAITERS",
        "`OWNER_DIED` in a lock that is held wakes a condition for nothing",
    ),
    // What a model has none of: a log, a close look, a length of time, a list that knows better.
    ("RobustSemaphore::free: freed += 1", "it is for the log"),
    ("RobustSemaphore::sweep: freed > 0", "it is for the log"),
    ("RobustSemaphore::wait: slice * 2", "a model has no length of a slice"),
    ("RawLock::lock_slow: slices.wrapping_add(1)", "a model's kernel is as good as a close look"),
    ("RawLock::take: died", "in a model nothing is lent"),
    (
        "RawLock::take: self.is_lent(true)",
        "as above; and who is told otherwise waits for the end of nobody, which a search takes for progress",
    ),
    ("RawLock::take: self.is_lent(true) (the 2. of that text)", "as above"),
    ("RawLock::take: died (the 2. of that text)", "in a model nothing is lent"),
    ("RLock::first: self.raw.lend(hold)", "as above"),
    ("RawLock::is_locked: seen & OWNER_DIED", "as above"),
    ("RawLock::is_locked: seen & OWNER_DIED != 0", "as above"),
    (
        "RawLock::is_locked: self.is_lent(true)",
        "as above, and no model needs to be told that a lock is free whose owner died",
    ),
    (
        "RLockGuard::give_up: guard.poison_in_panic()",
        "a model that panics waits for nothing any more",
    ),
    ("RawLock::lock_slow: settled", "in a model the word and the list tell the same"),
    (
        "RawLock::lock_slow: me.end()",
        "the panic that follows ends the wait, and the next lock the entry",
    ),
    // What is too large, or of no engine: a second death, and deaths by loom.
    (
        "Owed::take_over: self.leave(place)",
        "it is for a second notification that another who dies leaves",
    ),
    (
        "Condition::wake: n - woken",
        "it is for two who notify several at once, and one who then dies",
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
