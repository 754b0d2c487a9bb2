//! Starts the scenarios, tells what they say in the notebook's order, and ends them.

use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result};
use rustix::process::{Signal, getpid, set_child_subreaper};
use signal_hook::consts::{SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGTERM};
use signal_hook::iterator::Signals;

use crate::conduct::news::{Ending, News};
use crate::conduct::performance::Performance;
use crate::conduct::progress::Progress;
use crate::scenario::Scenario;
use crate::stage::Stage;

/// How long the players have to end by themselves, once they are told to.
const PATIENCE: Duration = Duration::from_secs(2);

/// Plays what is on the playbill, side by side.
pub(crate) fn conduct(playbill: &[&'static Scenario], stage: Stage) -> ExitCode {
    match Conductor::new(playbill).and_then(|mut conductor| conductor.perform(stage)) {
        Ok(End::All { held }) if held == playbill.len() => ExitCode::SUCCESS,
        Ok(End::All { .. }) => ExitCode::FAILURE,
        Ok(End::Stopped(signal)) => stopped_by(signal),
        // Whoever read the transcripts has seen enough.
        Err(error) if is_broken_pipe(&error) => stopped_by(SIGPIPE),
        Err(error) => {
            eprintln!("notebook: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// What the shell makes of a program that a signal ended.
fn stopped_by(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(u8::MAX))
}

fn is_broken_pipe(error: &Error) -> bool {
    let io = error.downcast_ref::<io::Error>();
    io.is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
}

enum End {
    /// To the end, and so many verdicts held.
    All {
        held: usize,
    },
    Stopped(i32),
}

/// What one on the playbill has said and how it ended, as far as it is known.
#[derive(Default)]
struct Part {
    performance: Option<Performance>,
    /// What waits until all before it have been told.
    untold: Vec<String>,
    ending: Option<Ending>,
}

struct Conductor {
    playbill: Vec<&'static Scenario>,
    parts: Vec<Part>,
    /// Whose turn it is: its lines are told as they come.
    turn: usize,
    progress: Progress,
    news: Receiver<News>,
    sender: mpsc::Sender<News>,
}

impl Conductor {
    fn new(playbill: &[&'static Scenario]) -> Result<Self> {
        let (sender, news) = mpsc::channel();
        // SIGCHLD is only listened to: where the caller ignores it, children that have ended
        // would be forgotten, ours and, as being ignored is inherited, the players'.
        let listen = [SIGINT, SIGTERM, SIGHUP, SIGCHLD];
        let mut signals = Signals::new(listen).context("watching for Ctrl-C")?;
        let stop = sender.clone();
        thread::spawn(move || {
            let mut stops = signals.forever().filter(|one| *one != SIGCHLD);
            stops.try_for_each(|one| stop.send(News::Stop(one)))
        });
        // Who loses its parent becomes our child, so that it is waited for.
        set_child_subreaper(Some(getpid())).context("becoming the reaper")?;
        Ok(Conductor {
            playbill: playbill.to_vec(),
            parts: playbill.iter().map(|_| Part::default()).collect(),
            turn: 0,
            progress: Progress::new(playbill),
            news,
            sender,
        })
    }

    fn perform(&mut self, stage: Stage) -> Result<End> {
        for (place, scenario) in self.playbill.iter().enumerate() {
            let performance = Performance::start(place, scenario, stage, self.sender.clone())?;
            self.parts[place].performance = Some(performance);
        }
        let began = Instant::now();
        self.introduce()?;
        while self.turn < self.playbill.len() {
            match self.news.recv().context("hearing of the players")? {
                News::Line(place, line) => {
                    self.parts[place].untold.push(line);
                    self.tell()?;
                }
                News::Over(place, ending) => {
                    self.over(place, ending);
                    self.tell()?;
                }
                News::Stop(signal) => return Ok(End::Stopped(signal)),
            }
        }
        self.summarise(began.elapsed())
    }

    fn over(&mut self, place: usize, ending: Ending) {
        let part = &mut self.parts[place];
        part.performance = None;
        part.untold.extend(ending.fault().map(|fault| format!("verdict: DOES NOT HOLD: {fault}")));
        part.ending = Some(ending);
        self.progress.over(self.playbill[place]);
    }

    /// Tells what can be told in order.
    fn tell(&mut self) -> Result<()> {
        while let Some(part) = self.parts.get_mut(self.turn) {
            let (lines, is_over) = (std::mem::take(&mut part.untold), part.ending.is_some());
            self.print(&lines)?;
            if !is_over {
                break;
            }
            self.turn += 1;
            self.introduce()?;
        }
        Ok(())
    }

    /// Names the one whose turn it is.
    fn introduce(&self) -> Result<()> {
        let Some(scenario) = self.playbill.get(self.turn) else { return Ok(()) };
        let title = format!("── {}: {}", scenario.name, scenario.about);
        let gap = (self.turn > 0).then(String::new);
        self.print(&gap.into_iter().chain([title]).collect::<Vec<_>>())
    }

    fn summarise(&self, took: Duration) -> Result<End> {
        let good = |part: &Part| part.ending.as_ref().is_some_and(Ending::is_good);
        let held = self.parts.iter().filter(|part| good(part)).count();
        if let [_] = self.playbill[..] {
            return Ok(End::All { held });
        }
        let all = self.playbill.len();
        let took = took.as_secs_f64();
        let failed = self.playbill.iter().zip(&self.parts).filter(|(_, part)| !good(part));
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
        self.progress.aside(|| {
            let mut out = io::stdout().lock();
            lines.iter().try_for_each(|line| writeln!(out, "{line}"))?;
            out.flush()?;
            Ok(())
        })
    }

    fn signal_all(&self, signal: Signal) {
        let playing = self.parts.iter().filter_map(|part| part.performance.as_ref());
        playing.for_each(|performance| performance.signal(signal));
    }
}

impl Drop for Conductor {
    /// Whatever ends the conducting, nobody plays on.
    fn drop(&mut self) {
        self.signal_all(Signal::TERM);
        let mut deadline = Some(Instant::now() + PATIENCE);
        while self.parts.iter().any(|part| part.performance.is_some()) {
            let news = match deadline {
                Some(at) => self.news.recv_timeout(at.saturating_duration_since(Instant::now())),
                // What is killed ends, and its thread tells it.
                None => self.news.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match news {
                Ok(News::Over(place, _)) => self.parts[place].performance = None,
                Ok(News::Line(..)) => {}
                // Told again, or patience is at its end.
                Ok(News::Stop(_)) | Err(_) => {
                    self.signal_all(Signal::KILL);
                    deadline = None;
                }
            }
        }
    }
}
