//! Starts the scenarios, prints their transcripts in the notebook's order, and ends them.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use rustix::process::{Signal, getpid, set_child_subreaper};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use signal_hook::iterator::Signals;

use crate::scenario::Scenario;
use crate::settings::Settings;
use crate::supervise::group::Group;
use crate::supervise::message::{Ending, Message};
use crate::supervise::progress::Progress;

/// How long the groups have to end after SIGTERM, before SIGKILL.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Plays these scenarios, all at the same time.
pub(crate) fn supervise(scenarios: &[&'static Scenario], settings: Settings) -> ExitCode {
    match Supervisor::new(scenarios).and_then(|mut supervisor| supervisor.perform(settings)) {
        Ok(End::All { held }) if held == scenarios.len() => ExitCode::SUCCESS,
        Ok(End::All { .. }) => ExitCode::FAILURE,
        Ok(End::Stopped(signal)) => stopped_by(signal),
        // The reader of the transcripts has closed the pipe.
        Err(error) if is_broken_pipe(&error) => stopped_by(SIGPIPE),
        Err(error) => {
            eprintln!("notebook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The exit code by which a shell reports a signal.
fn stopped_by(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

fn is_broken_pipe(error: &Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

enum End {
    /// All have ended, and so many verdicts held.
    All {
        held: usize,
    },
    Stopped(i32),
}

/// What a scenario has printed, and how it ended.
#[derive(Default)]
struct Status {
    group: Option<Group>,
    /// The lines that wait until the scenarios before it have ended.
    pending: Vec<String>,
    ending: Option<Ending>,
}

struct Supervisor {
    scenarios: Vec<&'static Scenario>,
    statuses: Vec<Status>,
    /// The index of the scenario whose lines are printed as they come.
    current: usize,
    progress: Progress,
    messages: Receiver<Message>,
    sender: mpsc::Sender<Message>,
}

impl Supervisor {
    fn new(scenarios: &[&'static Scenario]) -> Result<Self> {
        let (sender, messages) = mpsc::channel();
        // The handler of SIGCHLD does nothing: where the caller ignores the signal, which is inherited,
        // children that have ended could not be waited for, here and in the scenario processes.
        let listen = [SIGINT, SIGTERM, SIGHUP, SIGCHLD];
        let mut signals = Signals::new(listen).context("watching for Ctrl-C")?;
        let stop = sender.clone();
        thread::spawn(move || {
            let mut stops = signals.forever().filter(|one| *one != SIGCHLD);
            stops.try_for_each(|one| stop.send(Message::Stop(one)))
        });
        // An orphan becomes our child, so that it is waited for.
        set_child_subreaper(Some(getpid())).context("becoming the reaper")?;
        Ok(Supervisor {
            scenarios: scenarios.to_vec(),
            statuses: scenarios.iter().map(|_| Status::default()).collect(),
            current: 0,
            progress: Progress::new(scenarios),
            messages,
            sender,
        })
    }

    fn perform(&mut self, settings: Settings) -> Result<End> {
        for (index, scenario) in self.scenarios.iter().enumerate() {
            let group = Group::start(index, scenario, settings, self.sender.clone())?;
            self.statuses[index].group = Some(group);
        }
        let began = Instant::now();
        self.print_title()?;
        while self.current < self.scenarios.len() {
            match self.messages.recv().context("receiving from the scenarios")? {
                Message::Line(index, line) => {
                    self.statuses[index].pending.push(line);
                    self.print_pending()?;
                }
                Message::Ended(index, ending) => {
                    self.ended(index, ending);
                    self.print_pending()?;
                }
                Message::Stop(signal) => return Ok(End::Stopped(signal)),
            }
        }
        self.summarise(began.elapsed())
    }

    fn ended(&mut self, index: usize, ending: Ending) {
        let status = &mut self.statuses[index];
        status.group = None;
        status
            .pending
            .extend(ending.fault().map(|fault| format!("verdict: DOES NOT HOLD: {fault}")));
        status.ending = Some(ending);
        self.progress.ended(self.scenarios[index]);
    }

    /// Prints the lines that are next in order.
    fn print_pending(&mut self) -> Result<()> {
        while let Some(status) = self.statuses.get_mut(self.current) {
            let (lines, is_over) = (std::mem::take(&mut status.pending), status.ending.is_some());
            self.print(&lines)?;
            if !is_over {
                break;
            }
            self.current += 1;
            self.print_title()?;
        }
        Ok(())
    }

    /// Prints the title of the current scenario.
    fn print_title(&self) -> Result<()> {
        let Some(scenario) = self.scenarios.get(self.current) else { return Ok(()) };
        let title = format!("── {}: {}", scenario.name, scenario.about);
        let gap = (self.current > 0).then(String::new);
        self.print(&gap.into_iter().chain([title]).collect::<Vec<_>>())
    }

    fn summarise(&self, took: Duration) -> Result<End> {
        let good = |status: &Status| status.ending.as_ref().is_some_and(Ending::is_good);
        let held = self.statuses.iter().filter(|status| good(status)).count();
        if let [_] = self.scenarios[..] {
            return Ok(End::All { held });
        }
        let all = self.scenarios.len();
        let took = took.as_secs_f64();
        let failed = self.scenarios.iter().zip(&self.statuses).filter(|(_, status)| !good(status));
        let failed = failed.map(|(scenario, _)| scenario.name).collect::<Vec<_>>();
        let but = if failed.is_empty() { "" } else { "; not: " };
        let line = format!("{held} of {all} verdicts hold ({took:.1} s){but}{}", failed.join(", "));
        self.print(&[String::new(), line])?;
        Ok(End::All { held })
    }

    fn print(&self, lines: &[String]) -> Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        self.progress.hidden(|| {
            let mut out = io::stdout().lock();
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            out.flush()?;
            Ok(())
        })
    }

    fn signal_all(&self, signal: Signal) {
        let playing = self.statuses.iter().filter_map(|status| status.group.as_ref());
        playing.for_each(|group| group.signal(signal));
    }
}

impl Drop for Supervisor {
    /// However it ends, no scenario goes on.
    fn drop(&mut self) {
        self.signal_all(Signal::TERM);
        let mut deadline = Some(Instant::now() + TIMEOUT);
        while self.statuses.iter().any(|status| status.group.is_some()) {
            let messages = match deadline {
                Some(at) => {
                    self.messages.recv_timeout(at.saturating_duration_since(Instant::now()))
                }
                // A group that is killed ends, and its thread sends that.
                None => self.messages.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match messages {
                Ok(Message::Ended(index, _)) => self.statuses[index].group = None,
                Ok(Message::Line(..)) => {}
                // A second signal, or the timeout.
                Ok(Message::Stop(_)) | Err(_) => {
                    self.signal_all(Signal::KILL);
                    deadline = None;
                }
            }
        }
    }
}
