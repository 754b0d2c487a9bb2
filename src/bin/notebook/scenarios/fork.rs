//! `Process::fork`: what a child has from its parent.
//!
//! The notes at the head of the notebook: the child gets a copy of the whole memory, goes on from
//! the line after the fork, has a pid of its own, and runs in no fixed order with its parent.
//! Here only the sleeps make an order.

use std::os::unix::process::parent_id;
use std::process::id;

use anyhow::Result;
use multiproc::{Event, Process, Shared};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::verdict::Verdict;

pub(super) const SCENARIO: Scenario = Scenario {
    name: "fork",
    about: "a child has a copy of the memory and its own pid, and runs beside its parent",
    busy: false,
    play,
};

fn play(settings: Settings) -> Result<Verdict> {
    let closing = |who| println!("{who}, pid {}: both come to this line", id());
    let parent = id();

    // The child gets a copy of the variable; a `Shared` is the same for both.
    let mut variable = 1;
    let child_is_done = Shared::new(Event::new())?;

    let child = Process::fork(|| {
        settings.sleep(2.0);
        variable += 1;
        println!(
            "child, pid {}: my parent is pid {}, my variable is {variable}",
            id(),
            parent_id()
        );
        closing("child");
        child_is_done.set();
        (id(), parent_id(), variable)
    })?;

    // The parent goes on here at once.
    settings.sleep(3.0);
    let child_was_first = child_is_done.is_set();
    println!("parent, pid {parent}: my child is pid {}, my variable is {variable}", child.pid());
    closing("parent");

    let (its_pid, its_parent, its_variable) = child.join()?;
    let own_pid = its_pid == child.pid() && its_pid != parent && its_parent == parent;
    Ok(Verdict::new()
        .claim(
            "what the child changed stays as it was in the parent",
            (its_variable, variable) == (2, 1),
        )
        .claim("the child has its own pid, and this parent", own_pid)
        .timed(settings, "the child came first, which slept less", child_was_first))
}
