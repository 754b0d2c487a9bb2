//! What a thread or process does while others end.

/// Runs until it is killed, or its process ends.
pub(crate) fn for_ever() {
    loop {
        std::thread::park();
    }
}

/// Runs longer than a thread that does not wait for it; how long does not matter.
pub(crate) fn for_a_while() {
    (0..1000).for_each(|_| std::thread::yield_now());
}
