//! Versions of variables: who has seen the newest.

use super::steps::{leaving, pause};
use super::{Status, access, with};
use crate::executor::{At, VariableId};

/// The caller sees the newest version of a variable.
pub(in crate::search) fn see_version(var: VariableId, at: At) {
    access(var, "version", at, |_| 0);
    with(|execution| execution.me().version = Some(var));
}

/// Exchanges a variable and makes its version another, in one step; with `since`, only if the caller has
/// seen the newest. Else gives what the variable is.
pub(in crate::search) fn exchange_version(
    var: VariableId,
    old: u64,
    new: u64,
    since: bool,
    at: At,
) -> Result<(), u64> {
    if !leaving() {
        pause(Status::Ready);
    }
    with(|execution| {
        let has_seen = execution.me().version == Some(var);
        let may = has_seen || !since;
        let mut is_done = false;
        let seen = execution.change(var, "exchange with version", at, |value| {
            let before = *value;
            is_done = may && before == old;
            if is_done {
                *value = new;
            }
            before
        });
        if is_done {
            let seers = execution.threads.iter_mut().filter(|thread| thread.version == Some(var));
            seers.for_each(|seer| seer.version = None);
        }
        if since {
            execution.me().version = None;
            if !leaving() {
                execution.remember(("since", has_seen), &[]);
            }
        }
        if is_done { Ok(()) } else { Err(seen) }
    })
}
