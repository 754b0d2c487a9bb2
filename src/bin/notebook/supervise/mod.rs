//! Plays scenarios, each in a process of its own.
//!
//! | who | does |
//! |---|---|
//! | conductor | the process that was called: starts the scenarios, tells what they say, ends them |
//! | player | the same program, called again for one scenario: one thread, so that it may fork |
//!
//! Every player leads a process group, to which all belong that it starts. A group is over when
//! its last process is reaped: the conductor is the reaper of those that lost their parent.
//! The conductor is told to stop: every group gets SIGTERM, then SIGKILL, and is waited for.
//! The conductor is killed: every player gets SIGHUP from the kernel, and kills its group.

mod belongings;
mod conductor;
mod news;
mod performance;
mod player;
mod progress;

pub(crate) use conductor::conduct;
pub(crate) use player::play;
