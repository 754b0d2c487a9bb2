//! The process that plays one scenario.

use std::io;
use std::process::ExitCode;

use anyhow::{Context, Result, bail};
use rustix::process::{
    Pid, Signal, getppid, kill_current_process_group, nice, set_parent_process_death_signal,
};
use signal_hook::consts::SIGHUP;

use crate::conduct::belongings::Belongings;
use crate::scenario::Scenario;
use crate::stage::Stage;

/// How far a busy player stands back behind those that keep time.
const STEP_BACK: i32 = 10;

/// Plays a scenario in this process, for the conductor, and tells its verdict.
pub(crate) fn play(scenario: &Scenario, stage: Stage, conductor: i32) -> ExitCode {
    let verdict = follow(conductor).and_then(|()| {
        if scenario.busy {
            nice(STEP_BACK).context("standing back")?;
        }
        let before = Belongings::count()?;
        let verdict = (scenario.play)(stage)?;
        Belongings::left_since(before, verdict)
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

/// Ends this group when the conductor is gone, however it went.
fn follow(conductor: i32) -> Result<()> {
    end_group_on_hangup().context("watching for a hang-up")?;
    set_parent_process_death_signal(Some(Signal::HUP)).context("asking for a hang-up")?;
    // It may have gone before the kernel was asked to tell.
    if getppid() != Pid::from_raw(conductor) {
        bail!("the conductor is gone");
    }
    Ok(())
}

/// A hang-up kills the group: its processes would go on without anybody to see or to stop them.
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
