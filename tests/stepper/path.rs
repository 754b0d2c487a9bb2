//! The way of an operation through the program, and the short cuts on it.

use std::collections::HashMap;

/// Runs the victim on to a place instead of stepping it there: each step costs the same as a stop
/// at a place, and in a loop that looks again and again there are thousands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leap {
    /// The address of the instruction before which to stop.
    pub(crate) place: u64,
    /// How often it is passed before.
    pub(crate) passes: u64,
    /// How many instructions lie before it.
    pub(crate) steps: u64,
}

/// For each point of the path (the addresses of its instructions, in their order), and for its
/// end, the leap with which it is reached in the fewest stops. `barred` are places where no stop
/// is made.
pub(crate) fn leaps(path: &[u64], barred: impl Fn(u64) -> bool) -> Vec<Option<Leap>> {
    let mut passed = HashMap::new();
    let mut cost = 0;
    let mut best: Option<Leap> = None;
    let mut leaps = Vec::new();
    for (steps, &place) in (0..).zip(path) {
        let passes = passed.entry(place).or_insert(0);
        let own = 2 * *passes + 1;
        if own < cost && !barred(place) {
            cost = own;
            best = Some(Leap { place, passes: *passes, steps });
        }
        *passes += 1;
        cost += 1;
        leaps.push(best);
    }
    leaps.push(best);
    leaps
}
