//! The bit by which a word says that somebody may sleep on it.

use crate::sys::{ALL, Futex, Op, Ordering::Relaxed};

/// Has `wake` wake up to `n` of those who sleep on the word, and give how many it woke. Where they were fewer,
/// nobody sleeps there any more, and the bit is cleared: whoever comes next has nobody to look for.
#[cfg_attr(modelled, multiproc_checker::mutants)]
pub(crate) fn wake_and_clear(
    word: &Futex,
    bit: u32,
    n: u32,
    wake: impl FnOnce(&Futex, u32) -> u32,
) {
    if wake(word, n) < n {
        // Relaxed: nothing is handed over. All, because a sleeper may have come meanwhile, trusting in
        // the bit that is now cleared.
        word.wake_op(Op::ClearBit(bit), ALL, Relaxed);
    }
}
