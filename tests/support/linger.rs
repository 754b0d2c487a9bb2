//! What goes on while others end.

/// Runs until it is killed, or its process ends.
pub(crate) fn for_ever() {
    loop {
        std::thread::park();
    }
}

/// Still runs when those who do not wait for it have gone on; how long does not matter.
pub(crate) fn for_a_while() {
    (0..1000).for_each(|_| std::thread::yield_now());
}
