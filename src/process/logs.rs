//! What a child logs, brought to its parent's logger.
//!
//! ```text
//! child                                       parent
//! log! ─> LogWriter, its logger ──pipe──>     a thread for each child ─> the parent's logger
//! ```
//!
//! A record is sent before the call that logs it returns. So what a child has logged before it ends, in
//! whatever way, can be received; and the join that sees its end waits for that, but not for ever: a
//! logger may be waiting for the very thread that joins.
//!
//! Nor does a child wait for ever for a parent that takes nothing. It waits once, then counts what it does
//! not send until there is room again, and says how many records that were.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use log::{Level, LevelFilter, Log, Metadata, Record};
use rustix::event::{PollFd, PollFlags};
use serde::{Deserialize, Serialize};

use crate::error::{Error, RecvError, SendCause};
use crate::ipc::{Receiver, Sender, pipe};
use crate::process::current::current;
use crate::sys::{Deadline, ForkLocal, poll};

/// How long a child waits for room, and a join for the parent's logger.
const PATIENCE: Duration = Duration::from_secs(1);

/// Between two tries, where the system does not let the parent receive.
const PAUSE: Duration = Duration::from_millis(50);

thread_local! {
    /// Whether this thread sends a record: what is logged by that itself is not sent.
    static IS_SENDING: Cell<bool> = const { Cell::new(false) };
    /// Whether this thread gives what comes from a child to the logger.
    static IS_DELIVERING: Cell<bool> = const { Cell::new(false) };
}

/// A record, as it goes to the parent.
#[derive(Debug, Serialize, Deserialize)]
struct Sent {
    /// The name of the process that has logged it.
    process: String,
    level: usize,
    target: String,
    text: String,
    module: Option<String>,
    file: Option<String>,
    line: Option<u32>,
}

impl Sent {
    fn new(record: &Record<'_>) -> Self {
        Sent {
            process: current().name().to_owned(),
            level: record.level() as usize,
            target: record.target().to_owned(),
            text: record.args().to_string(),
            module: record.module_path().map(str::to_owned),
            file: record.file().map(str::to_owned),
            line: record.line(),
        }
    }

    /// A word of this module's own.
    fn notice(text: String) -> Self {
        Sent {
            process: current().name().to_owned(),
            level: Level::Warn as usize,
            target: module_path!().to_owned(),
            text,
            module: Some(module_path!().to_owned()),
            file: None,
            line: None,
        }
    }

    /// Gives it to the logger of this process.
    fn tell(&self) {
        let Some(level) = Level::iter().find(|&level| level as usize == self.level) else { return };
        if level > log::max_level() {
            return;
        }
        let mut record = Record::builder();
        record.level(level).target(&self.target).line(self.line);
        record.module_path(self.module.as_deref()).file(self.file.as_deref());
        let (process, text) = (&self.process, &self.text);
        log::logger().log(&record.args(format_args!("{process}: {text}")).build());
    }
}

/// The child's side.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct LogWriter {
    line: Sender<Sent>,
    /// What the parent wanted to hear of when the child was started.
    level: usize,
}

/// The logger of a child.
struct Forwarder {
    line: Sender<Sent>,
    /// How many records were not sent since the last one that was. The lock keeps them in order.
    lost: ForkLocal<Mutex<u64>>,
}

impl LogWriter {
    /// Makes it the logger of this process, unless it has one: from its parent by a fork, or from what has
    /// run before.
    pub(super) fn become_logger(self) {
        let LogWriter { line, level } = self;
        let level = LevelFilter::iter().find(|&known| known as usize == level);
        let lost = ForkLocal::new(|| Mutex::new(0));
        if log::set_logger(Box::leak(Box::new(Forwarder { line, lost }))).is_ok() {
            log::set_max_level(level.unwrap_or(LevelFilter::Off));
        }
    }
}

impl Log for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let record = Sent::new(record);
        if !IS_SENDING.replace(true) {
            self.send(record);
            IS_SENDING.set(false);
        }
    }

    fn flush(&self) {}
}

impl Forwarder {
    fn send(&self, record: Sent) {
        let mut lost = self.lost.get().lock().unwrap_or_else(PoisonError::into_inner);
        if *lost > 0 {
            // Not as soon as there is room for one: each notice would take the room of what is lost next.
            // The kernel calls it writable when three quarters are free.
            let mut room = [PollFd::new(&self.line, PollFlags::OUT)];
            if poll(&mut room, Deadline::after(Duration::ZERO)) == Ok(0) {
                *lost += 1;
                return;
            }
            let text =
                format!("{lost} records of this process were not sent: its parent took none");
            if self.line.try_send(Sent::notice(text)).is_err() {
                *lost += 1;
                return;
            }
            *lost = 0;
        }
        if let Err(refused) = self.line.send_for(record, PATIENCE) {
            match refused.cause() {
                // Nobody will hear that it was lost.
                SendCause::Disconnected => {}
                _ => *lost += 1,
            }
        }
    }
}

/// The parent's side: a thread that gives what comes to the logger.
#[derive(Debug)]
pub(super) struct LogReader {
    line: Receiver<Sent>,
    /// Disconnected when the thread has given all that came.
    done: Mutex<mpsc::Receiver<()>>,
}

/// Both sides, for a child that is about to be started; `None` where the parent logs nothing. The thread
/// ends when nobody can send any more.
pub(super) fn forward() -> Result<Option<(LogWriter, LogReader)>, Error> {
    let level = log::max_level();
    if level == LevelFilter::Off {
        return Ok(None);
    }
    let (receiver, line) = pipe()?;
    let (is_there, done) = mpsc::channel();
    let theirs = receiver.clone();
    let deliver = move || {
        deliver(&theirs);
        drop(is_there);
    };
    let builder = thread::Builder::new().name("multiproc-logs".to_owned());
    builder.spawn(deliver).map_err(|source| Error::os("starting a thread", source))?;
    let reader = LogReader { line: receiver, done: Mutex::new(done) };
    Ok(Some((LogWriter { line, level: level as usize }, reader)))
}

fn deliver(line: &Receiver<Sent>) {
    IS_DELIVERING.set(true);
    loop {
        match line.recv() {
            // A logger that panics has said so; the next record may be one that it likes.
            Ok(record) => drop(catch_unwind(AssertUnwindSafe(|| record.tell()))),
            Err(RecvError::Closed) => return,
            // What came is no record.
            Err(RecvError::Decode(_)) => {}
            Err(_) => thread::sleep(PAUSE),
        }
    }
}

impl LogReader {
    /// When the child has ended: waits until what it has logged has come to the logger, but for no longer
    /// than [`PATIENCE`]. What processes log that the child has forked, and that live on, is not heard from
    /// here on.
    pub(super) fn finish(&self) {
        // What was sent before is still received. Where that is refused, the thread ends with the last of
        // those who could send.
        let _ = self.line.hang_up();
        // A logger that joins a child does not wait for itself.
        if !IS_DELIVERING.get() {
            let done = self.done.lock().unwrap_or_else(PoisonError::into_inner);
            // Nothing is ever sent: it is disconnected, or the time is over.
            let _ = done.recv_timeout(PATIENCE);
        }
    }
}
