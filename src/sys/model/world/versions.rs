//! Versions of words: who has seen the newest.

use std::panic::Location;

use super::steps::{leaving, pause};
use super::{Status, Var, access, with};

/// The caller sees the newest version of a word.
pub(crate) fn see_version(var: Var, at: &'static Location<'static>) {
    access(var, "version", at, |_| 0);
    with(|world| world.me().version = Some(var));
}

/// Exchanges a word and makes its version another, in one step; with `since`, only if the caller has seen
/// the newest. Else gives what the word is.
pub(crate) fn exchange_versioned(
    var: Var,
    old: u32,
    new: u32,
    since: bool,
    at: &'static Location<'static>,
) -> Result<(), u32> {
    if !leaving() {
        pause(Status::Ready);
    }
    with(|world| {
        let has_seen = world.me().version == Some(var);
        let may = has_seen || !since;
        let mut is_done = false;
        let seen = world.change(var, "exchange with version", at, |word| {
            let before = *word;
            is_done = may && before == u64::from(old);
            if is_done {
                *word = new.into();
            }
            before
        });
        if is_done {
            let seers = world.threads.iter_mut().filter(|thread| thread.version == Some(var));
            seers.for_each(|seer| seer.version = None);
        }
        if since {
            world.me().version = None;
            if !leaving() {
                world.remember(("since", has_seen), &[]);
            }
        }
        if is_done { Ok(()) } else { Err(seen as u32) }
    })
}
