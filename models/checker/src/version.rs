//! Words with a version, which is changed in one step with the word: so a word that has come back to an old
//! value is told from one that has never left it. On a machine it is a count beside the word.
//!
//! All that matters of a version is whether it is still the one that somebody has seen. So there is no
//! number here, which would make another state of each round: a thread has seen the newest version of a
//! word, or it has not. It remembers that of one word, the one that it looked at last.
//!
//! What is done to the word by other means than the functions here leaves the version as it is.

use std::panic::Location;
use std::sync::atomic::Ordering;

use crate::atomic::AtomicU32;
use crate::mutants;

/// What mutants call it.
const WHAT: &str = "exchange";

/// The caller looks at the version of a word, and so has seen the newest.
///
/// # Panics
/// With loom, which has no versions: it kills nobody, and gives no name again.
#[track_caller]
pub fn see(word: &AtomicU32) {
    word.object().see_version(Location::caller());
}

/// Exchanges the word, if it is `old`, and makes its version another, in one step: whoever has seen the last
/// has not seen this one.
///
/// # Errors
/// With what the word is, when that is not `old`.
#[track_caller]
pub fn exchange(word: &AtomicU32, old: u32, new: u32, order: Ordering) -> Result<(), u32> {
    if mutants::versions(WHAT) {
        return exchange_if(word, old, new, order, false);
    }
    word.compare_exchange(old, new, order, Ordering::Relaxed).map(drop)
}

/// As [`exchange`], if also the newest version is one that the caller has [seen](see); whether it was
/// exchanged. The caller then has to look again. (With loom, where nobody has seen one, the word decides.)
#[track_caller]
pub fn exchange_if_seen(word: &AtomicU32, old: u32, new: u32, order: Ordering) -> bool {
    let since = mutants::asks_version(WHAT);
    exchange_if(word, old, new, order, since).is_ok()
}

#[track_caller]
fn exchange_if(
    word: &AtomicU32,
    old: u32,
    new: u32,
    order: Ordering,
    seen: bool,
) -> Result<(), u32> {
    let order = mutants::ordering(WHAT, order);
    let new = if mutants::writes(WHAT) { new } else { old };
    let at = Location::caller();
    let exchanged = word.object().exchange_version(old.into(), new.into(), order, seen, at);
    exchanged.map_err(|now| now as u32)
}
