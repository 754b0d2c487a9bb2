//! A scenario that is being played.

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

use crate::conduct::news::{Ending, News};
use crate::scenario::Scenario;
use crate::stage::Stage;

/// The process group of a scenario that is being played.
#[derive(Clone, Debug)]
pub(super) struct Performance {
    group: Pid,
    /// Once all are reaped, the number may be another group's: then nobody is sent a signal.
    is_over: Arc<Mutex<bool>>,
}

impl Performance {
    /// Starts the player, and a thread that follows what its group prints, to its end.
    ///
    /// Only the main thread may call it: the kernel tells the player of the end of the thread
    /// that started it, not of the process.
    pub(super) fn start(
        place: usize,
        scenario: &Scenario,
        stage: Stage,
        news: Sender<News>,
    ) -> Result<Self> {
        // One pipe for both streams, so that their lines stay in order.
        let (output, input) = io::pipe().context("making a pipe")?;
        let program = env::current_exe().context("finding this program")?;
        let mut command = Command::new(program);
        command
            .arg(scenario.name)
            .arg(format!("--played-for={}", process::id()))
            .args(stage.arguments())
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(input.try_clone().context("sharing a pipe")?)
            .stderr(input);
        let child = command.spawn().with_context(|| format!("starting {}", scenario.name))?;
        // Our copies of the pipe's end: the end of the file comes when the group's are closed.
        drop(command);
        let performance = Performance { group: Pid::from_child(&child), is_over: Arc::default() };
        let followed = performance.clone();
        thread::Builder::new()
            .name(scenario.name.into())
            .spawn(move || followed.follow(place, output, &news))
            .context("starting a thread")?;
        Ok(performance)
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

    /// Hands on every line, and reaps the group when the player has ended.
    fn follow(&self, place: usize, output: PipeReader, news: &Sender<News>) {
        let ending = thread::scope(|scope| {
            scope.spawn(|| {
                // Nobody listens any more when the conductor is ending; nobody misses a line then.
                for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                    let line = String::from_utf8_lossy(&line).into_owned();
                    let _ = news.send(News::Line(place, line));
                }
            });
            self.end()
        });
        let _ = news.send(News::Over(place, ending));
    }

    /// Waits until the player has ended, and ends what it left behind.
    fn end(&self) -> Ending {
        // The player stays a zombie for now: so its number, which is the group's, stays its own.
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
