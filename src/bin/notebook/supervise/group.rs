//! The process group of a scenario that is being played.

use std::env;
use std::io::{self, BufRead, BufReader, PipeReader};
use std::os::unix::process::CommandExt;
use std::process::{self, Command, Stdio};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use anyhow::{Context, Result};
use rustix::io::retry_on_intr;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, WaitOptions, kill_process_group, waitid, waitpgid,
};

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::supervise::message::{Ending, Message};

/// The process group of a scenario that is being played.
#[derive(Clone, Debug)]
pub(super) struct Group {
    group: Pid,
    /// Once all are reaped, the id may be another group's: then no signal is sent.
    is_over: Arc<Mutex<bool>>,
}

impl Group {
    /// Starts the scenario process, and a thread that reads what its group prints until it has ended.
    ///
    /// Only the main thread may call it: the kernel sends the death signal when the thread ends that
    /// started the process.
    pub(super) fn start(
        index: usize,
        scenario: &Scenario,
        settings: Settings,
        messages: Sender<Message>,
    ) -> Result<Self> {
        // One pipe for both streams, so that their lines stay in order.
        let (output, input) = io::pipe().context("making a pipe")?;
        let program = env::current_exe().context("finding this program")?;
        let mut command = Command::new(program);
        command
            .arg(scenario.name)
            .arg(format!("--supervisor={}", process::id()))
            .args(settings.arguments())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(input.try_clone().context("sharing a pipe")?)
            .stderr(input);
        let child = command.spawn().with_context(|| format!("starting {}", scenario.name))?;
        // Our copies of the pipe's end: the end of file comes when the group's are closed.
        drop(command);
        let group = Group { group: Pid::from_child(&child), is_over: Arc::default() };
        let followed = group.clone();
        thread::Builder::new()
            .name(scenario.name.into())
            .spawn(move || followed.follow(index, output, &messages))
            .context("starting a thread")?;
        Ok(group)
    }

    /// Sends a signal to every process of the group.
    pub(super) fn signal(&self, signal: Signal) {
        if !*self.is_over() {
            // It fails only when all have ended.
            let _ = kill_process_group(self.group, signal);
        }
    }

    fn is_over(&self) -> MutexGuard<'_, bool> {
        // Nothing that is done under it panics.
        self.is_over.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sends on every line, and reaps the group when the scenario process has ended.
    fn follow(&self, index: usize, output: PipeReader, messages: &Sender<Message>) {
        let ending = thread::scope(|scope| {
            scope.spawn(|| {
                // The supervisor receives nothing any more when it is ending; then no line is missed.
                for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    let _ = messages.send(Message::Line(index, line));
                }
            });
            self.end()
        });
        let _ = messages.send(Message::Ended(index, ending));
    }

    /// Waits until the scenario process has ended, and kills what it left behind.
    fn end(&self) -> Ending {
        // It stays a zombie for now, so that its id, which is the group's, is not used again.
        let look = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
        let _ = retry_on_intr(|| waitid(WaitId::Pid(self.group), look));
        let mut is_over = self.is_over();
        let _ = kill_process_group(self.group, Signal::KILL);
        let mut ending = Ending { status: None, strays: 0 };
        // Until there is no child in the group any more.
        while let Ok(reaped) = retry_on_intr(|| waitpgid(self.group, WaitOptions::empty())) {
            match reaped {
                Some((pid, status)) if pid == self.group => ending.status = Some(status),
                Some(_) => ending.strays += 1,
                None => {}
            }
        }
        *is_over = true;
        ending
    }
}
