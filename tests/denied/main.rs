//! A system call that is not to be had: denied by seccomp, one at a time, in every operation.
//!
//! Containers, sandboxes, emulators and old kernels deny this or that call, with ENOSYS or with EPERM.
//! What must hold, for each call that the crate makes (`calls.rs`), each of both errors and each
//! operation (`operations/`): the operation comes to the right value all the same, or gives an error
//! that names the call. It never crashes, hangs, panics, or gives a wrong value.
//!
//! The same for folders that a sandbox may not have (`hide.rs`).
//!
//! Each cell of the table is a process of its own (`cell.rs`). The call is denied from the first use of
//! the crate; or ("late") from when the objects exist that the operation is about.
//!
//! ```text
//! cargo test --test denied                          some cells: each call once in each operation
//! MULTIPROC_DENIED=all cargo test --test denied     the whole table
//! MULTIPROC_DENIED='lock, shared|tkill' …           the cells whose name begins so
//! ```

#[path = "../support/block_on.rs"]
mod block_on;
mod calls;
mod cell;
#[path = "../support/chain.rs"]
mod chain;
mod filter;
mod hide;
#[path = "../support/logger.rs"]
mod logger;
mod operations;

use std::fmt;
use std::io::Read;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::{Mutex, mpsc};
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use libtest_mimic::{Arguments, Trial};
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use crate::cell::{Cell, Denial, ERROR, NAMES, NO_RIGHTS, RIGHT, VARIABLE};

/// What takes longer than that hangs.
const DEADLINE: Duration = Duration::from_secs(20);

/// Without std's harness, whose threads are there before a test is: a cell has one.
fn main() -> ExitCode {
    if cfg!(modelled) {
        // A model makes no calls.
        return ExitCode::SUCCESS;
    }
    cell::run_if_this_is_one();
    let tests: [(&str, fn()); _] = [
        ("what_goes_wrong_is_seen", what_goes_wrong_is_seen),
        (
            "every_operation_is_right_when_nothing_is_denied",
            every_operation_is_right_when_nothing_is_denied,
        ),
        ("no_call_is_made_that_is_on_no_list", no_call_is_made_that_is_on_no_list),
        ("a_denied_call_is_done_without_or_named", a_denied_call_is_done_without_or_named),
        (
            "a_folder_that_is_not_there_is_done_without_or_named",
            a_folder_that_is_not_there_is_done_without_or_named,
        ),
    ];
    let trial = |(name, test): (&str, fn())| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    };
    libtest_mimic::run(&Arguments::from_args(), tests.map(trial).into()).exit_code()
}

fn what_goes_wrong_is_seen() {
    let call = calls::ALL.iter().find(|call| call.name == "tkill").expect("it is denied");
    let denial = Denial::Call { call, errno: Errno::NOSYS, late: false };
    for operation in operations::CONTROLS {
        let unlisted = operation.name.ends_with("on no list");
        let cell = Cell { operation, denial: if unlisted { Denial::Unlisted } else { denial } };
        let ended = run(&cell, Duration::from_secs(2));
        assert!(judge(&cell, &ended).is_err(), "{cell}: {ended}");
    }
}

fn every_operation_is_right_when_nothing_is_denied() {
    let cells = operations::all().map(|operation| Cell { operation, denial: Denial::Nothing });
    fails_nowhere(&cells.collect::<Vec<_>>());
}

fn no_call_is_made_that_is_on_no_list() {
    let cells = operations::all().map(|operation| Cell { operation, denial: Denial::Unlisted });
    fails_nowhere(&cells.collect::<Vec<_>>());
}

fn a_denied_call_is_done_without_or_named() {
    let wanted = env::var("MULTIPROC_DENIED").unwrap_or_default();
    let mut cells: Vec<Cell> = Vec::new();
    for operation in operations::all() {
        for (at, call) in calls::ALL.iter().enumerate() {
            if call.starts_programs && operation.spawns {
                continue;
            }
            for (errno, late) in [
                (Errno::NOSYS, false),
                (Errno::PERM, false),
                (Errno::NOSYS, true),
                (Errno::PERM, true),
            ] {
                let cell = Cell { operation, denial: Denial::Call { call, errno, late } };
                let taken = match &*wanted {
                    // Half of the calls with one error, half with the other.
                    "" => !late && (errno == Errno::NOSYS) == (at % 2 == 0),
                    "all" => true,
                    begin => cell.to_string().starts_with(begin),
                };
                if taken {
                    cells.push(cell);
                }
            }
        }
    }
    fails_nowhere(&cells);
}

fn a_folder_that_is_not_there_is_done_without_or_named() {
    let denials = hide::FOLDERS.iter().map(|folder| Denial::Folder(folder));
    let cells = operations::all()
        .flat_map(|operation| denials.clone().map(move |denial| Cell { operation, denial }));
    fails_nowhere(&cells.collect::<Vec<_>>());
}

/// What must hold.
fn judge(cell: &Cell, ended: &Ended) -> Result<(), String> {
    let is_named = match cell.denial {
        Denial::Nothing | Denial::Unlisted => false,
        Denial::Call { call, .. } => call.told_as.iter().any(|name| ended.names(name)),
        Denial::Folder(folder) => ended.names(&folder.to_string_lossy()),
    };
    // Without it the process ends, having said why.
    let is_vital = matches!(cell.denial, Denial::Call { call, .. } if call.vital);
    match ended.code() {
        Some(RIGHT) => Ok(()),
        Some(ERROR) if is_named => Ok(()),
        _ if is_vital && is_named && !ended.hangs => Ok(()),
        _ => Err(ended.to_string()),
    }
}

/// How a cell ended.
struct Ended {
    /// `None` when it was told to end by us.
    status: Option<ExitStatus>,
    hangs: bool,
    said: String,
    complained: String,
}

impl Ended {
    fn code(&self) -> Option<i32> {
        self.status.filter(|_| !self.hangs).and_then(|status| status.code())
    }

    /// In the error, or in what a child wrote that could not leave it for its parent.
    fn names(&self, call: &str) -> bool {
        let is_part = |c: char| c.is_alphanumeric() || c == '_';
        [&self.said, &self.complained].into_iter().any(|text| {
            text.match_indices(call).any(|(at, _)| {
                let (before, after) = (&text[..at], &text[at + call.len()..]);
                // As a word: a thread is no read.
                !before.ends_with(is_part) && !after.starts_with(is_part)
            })
        })
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.hangs, self.status) {
            (true, Some(status)) if status.signal().is_none() => {
                write!(f, "leaves somebody behind ({status})")?;
            }
            (true, _) => write!(f, "hangs")?,
            (false, Some(status)) if status.code() == Some(ERROR) => {
                write!(f, "an error that does not name it")?;
            }
            (false, Some(status)) => write!(f, "{status}")?,
            (false, None) => write!(f, "cannot be waited for")?,
        }
        let said = [&self.said, &self.complained].map(|text| {
            let text: Vec<&str> = text.split_whitespace().collect();
            text.join(" ").chars().take(300).collect::<String>()
        });
        write!(f, ": {}", said.join(" / "))
    }
}

/// Runs all these cells; panics with all that are wrong.
fn fails_nowhere(cells: &[Cell]) {
    let (left, skipped, wrong) = (Mutex::new(cells.iter()), Mutex::new(0), Mutex::new(Vec::new()));
    let next = || left.lock().unwrap().next();
    // Most of them wait most of the time.
    let workers = 4 * thread::available_parallelism().map_or(2, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while let Some(cell) = next() {
                    let ended = run(cell, DEADLINE);
                    if ended.code() == Some(NO_RIGHTS) {
                        *skipped.lock().unwrap() += 1;
                    } else if let Err(problem) = judge(cell, &ended) {
                        wrong.lock().unwrap().push(format!("{cell}: {problem}"));
                    }
                }
            });
        }
    });
    let (skipped, mut wrong) = (skipped.into_inner().unwrap(), wrong.into_inner().unwrap());
    if skipped > 0 {
        eprintln!(
            "SKIPPED: {skipped} cells of {}: what they need gone cannot be denied here",
            cells.len()
        );
    }
    wrong.sort();
    assert!(wrong.is_empty(), "{} of {} cells:\n{}", wrong.len(), cells.len(), wrong.join("\n"));
}

/// Runs the cell; what takes longer than `deadline` hangs.
fn run(cell: &Cell, deadline: Duration) -> Ended {
    let program = env::current_exe().expect("this program has a file");
    let child = Command::new(program)
        // Should a child of the cell come to `main`, it finds nothing to do there.
        .args(["--exact", "no test has this name"])
        .env(VARIABLE, cell.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn();
    let mut child = child.expect("this program starts");
    let group = Pid::from_child(&child);
    let ended = watch(&mut child, group, deadline);
    // Of an operation that did not come to its end.
    let _ = fs::remove_file(format!("/dev/shm/multiproc-{NAMES}{}", child.id()));
    ended
}

/// Waits until nobody has the output any more: the cell and all its children. After an error some may
/// wait for what does not come; they are ended.
fn watch(child: &mut Child, group: Pid, deadline: Duration) -> Ended {
    let (out, err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
    let (said, complained) = (heard(out), heard(err));
    // The cell is not reaped before: its number could become another group's.
    let end = || {
        let _ = kill_process_group(group, Signal::KILL);
    };
    let failed = || {
        let asked = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        let status = waitid(WaitId::Pid(group), asked).expect("it is this process's");
        status.is_some_and(|status| status.exit_status() != Some(RIGHT))
    };
    let begin = Instant::now();
    let all = loop {
        match said.recv_timeout(Duration::from_millis(5)) {
            Ok(all) => break Some(all),
            Err(_) if begin.elapsed() > deadline => break None,
            Err(_) if failed() => end(),
            Err(_) => {}
        }
    };
    let hangs = all.is_none();
    end();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended {
        status: child.wait().ok(),
        hangs,
        said: text(all.or_else(|| said.recv().ok()).unwrap_or_default()),
        complained: text(complained.recv().unwrap_or_default()),
    }
}

/// All that comes out of there until its end.
fn heard(mut from: impl Read + Send + 'static) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let _ = from.read_to_end(&mut all);
        let _ = sender.send(all);
    });
    receiver
}
