//! The path of an operation through the program, and how to skip most of its single steps.

use std::collections::HashMap;

/// Runs the tracee to a breakpoint instead of stepping it there: a step costs as much as a stop at a
/// breakpoint, and a loop that spins has thousands of steps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Skip {
    /// The address of the instruction before which to stop.
    pub(crate) address: u64,
    /// How often the breakpoint is passed before.
    pub(crate) passes: u64,
    /// The number of instructions executed before it.
    pub(crate) steps: u64,
}

/// For each point of the path (the addresses of its instructions, in order), and for its end, the
/// skip that reaches it in the fewest stops. No breakpoint is set at an address that is `barred`.
pub(crate) fn skips(path: &[u64], barred: impl Fn(u64) -> bool) -> Vec<Option<Skip>> {
    let mut passed = HashMap::new();
    let mut cost = 0;
    let mut best: Option<Skip> = None;
    let mut skips = Vec::new();
    for (steps, &address) in (0..).zip(path) {
        let passes = passed.entry(address).or_insert(0);
        let own = 2 * *passes + 1;
        if own < cost && !barred(address) {
            cost = own;
            best = Some(Skip { address, passes: *passes, steps });
        }
        *passes += 1;
        cost += 1;
        skips.push(best);
    }
    skips.push(best);
    skips
}
