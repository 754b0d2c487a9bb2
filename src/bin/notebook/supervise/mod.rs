//! Plays scenarios, each in a process of its own.
//!
//! | process | what it does |
//! |---|---|
//! | supervisor | the process that was called: starts the scenarios, prints their transcripts, ends them |
//! | scenario process | the same program, called again for one scenario: one thread, so that it may fork |
//!
//! Every scenario process leads a process group, to which all processes belong that it starts. A group
//! has ended when its last process is reaped: orphans become children of the supervisor, their subreaper.
//! When the supervisor is told to stop, every group gets SIGTERM, then SIGKILL, and is waited for. When
//! the supervisor is killed, the kernel sends SIGHUP to every scenario process, which kills its group.

mod group;
mod message;
mod progress;
mod resources;
mod scenario_process;
mod supervisor;

pub(crate) use scenario_process::play;
pub(crate) use supervisor::supervise;
