//! The process that plays one scenario.

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, getppid, kill_current_process_group, nice, set_parent_process_death_signal,
};
use signal_hook::consts::SIGHUP;

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::supervise::resources::Resources;

/// The nice value of a busy scenario, below those that sleep.
const BUSY_NICE: i32 = 10;

/// Plays a scenario in this process, for the supervisor, and prints its verdict.
pub(crate) fn play(scenario: &Scenario, settings: Settings, supervisor: i32) -> ExitCode {
    let verdict = end_with(supervisor).and_then(|()| {
        if scenario.busy {
            nice(BUSY_NICE).context("lowering the priority")?;
        }
        let before = Resources::count()?;
        let verdict = (scenario.play)(settings)?;
        Resources::left_since(before, verdict)
    });
    match verdict {
        Ok(verdict) => {
            println!("{verdict}");
            if verdict.holds() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            println!("verdict: DOES NOT HOLD: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Has this group killed when the supervisor ends, however it ends.
fn end_with(supervisor: i32) -> Result<()> {
    end_group_on_hangup().context("watching for a hang-up")?;
    set_parent_process_death_signal(Some(Signal::HUP)).context("asking for a hang-up")?;
    // It may have ended before the kernel was asked for the signal.
    if getppid() != Pid::from_raw(supervisor) {
        bail!("the supervisor has ended");
    }
    Ok(())
}

/// A hang-up kills the group: otherwise its processes would run on without a supervisor.
fn end_group_on_hangup() -> io::Result<()> {
    // SAFETY: a signal's action may only do what is async-signal-safe: this is one system call,
    // which allocates nothing and takes no lock.
    unsafe {
        signal_hook::low_level::register(SIGHUP, || {
            let _ = kill_current_process_group(Signal::KILL);
        })?;
    }
    Ok(())
}
