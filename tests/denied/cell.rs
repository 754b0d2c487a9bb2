//! One cell of the table, in a process of its own: an operation, with a call denied.
//!
//! The process is this test binary, started by std's `Command`, which the denial does not concern.
//! Its `main` becomes the cell, with one thread, as any small program.

use std::env;
use std::ffi::CStr;
use std::fmt;
use std::io::IoSlice;
use std::panic::catch_unwind;

use rustix::io::Errno;

use crate::calls::{self, Call};
use crate::chain::chain;
use crate::filter;
use crate::hide::{FOLDERS, hide};
use crate::operations::{self, Operation};

/// The variable that says which cell a process is.
pub(crate) const VARIABLE: &str = "MULTIPROC_TESTS_DENIED";

/// What the names begin with that an operation gives.
pub(crate) const NAMES: &str = "tests-denied-";

/// Exit codes. The value was right, an error was given (and is in the output), a value was wrong.
pub(crate) const RIGHT: i32 = 0;
pub(crate) const ERROR: i32 = 10;
const WRONG: i32 = 11;
/// A call that is on no list was made.
const UNLISTED: i32 = 12;
/// This process may not deny it.
pub(crate) const NO_RIGHTS: i32 = 13;

/// What is denied, and from when on.
#[derive(Clone, Copy)]
pub(crate) enum Denial {
    /// Nothing: what the operation gives when all is there.
    Nothing,
    /// The call, from before the crate is first used, or from when what is used exists.
    Call { call: &'static Call, errno: Errno, late: bool },
    /// Every call that is not on a list.
    Unlisted,
    /// A folder, which is empty.
    Folder(&'static CStr),
}

#[derive(Clone, Copy)]
pub(crate) struct Cell {
    pub(crate) operation: &'static Operation,
    pub(crate) denial: Denial,
}

impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.operation.name;
        match self.denial {
            Denial::Nothing => write!(f, "{name}|nothing"),
            Denial::Unlisted => write!(f, "{name}|unlisted"),
            Denial::Folder(folder) => write!(f, "{name}|{}", folder.to_string_lossy()),
            Denial::Call { call, errno, late } => {
                let errno = if errno == Errno::NOSYS { "ENOSYS" } else { "EPERM" };
                write!(f, "{name}|{}|{errno}|{}", call.name, if late { "late" } else { "early" })
            }
        }
    }
}

impl Cell {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('|');
        let name = parts.next()?;
        let mut operations = operations::all().chain(operations::CONTROLS);
        let operation = operations.find(|operation| operation.name == name)?;
        let denial = match parts.next()? {
            "nothing" => Denial::Nothing,
            "unlisted" => Denial::Unlisted,
            path if path.starts_with('/') => {
                let mut folders = FOLDERS.iter();
                Denial::Folder(folders.find(|folder| folder.to_bytes() == path.as_bytes())?)
            }
            name => {
                let call = calls::ALL.iter().find(|call| call.name == name)?;
                let errno = if parts.next()? == "ENOSYS" { Errno::NOSYS } else { Errno::PERM };
                Denial::Call { call, errno, late: parts.next()? == "late" }
            }
        };
        Some(Cell { operation, denial })
    }
}

/// Runs the cell that this process is, if it is one, and ends it. It must have one thread.
pub(crate) fn run_if_this_is_one() {
    let Ok(text) = env::var(VARIABLE) else { return };
    // SAFETY: this is the only thread. A child that comes here is not this cell once more.
    unsafe { env::remove_var(VARIABLE) };
    let cell = Cell::parse(&text).expect("it was written by this program");
    let ended = catch_unwind(|| run(cell));
    match ended {
        // As if `main` had returned: what is to be done at the end of a program is done.
        Ok(RIGHT) => std::process::exit(RIGHT),
        Ok(code) => leave(code),
        Err(_) => leave(WRONG),
    }
}

/// At once: threads and children may be waiting for what will not come.
fn leave(code: i32) -> ! {
    // SAFETY: it ends the process, whatever its state.
    unsafe { libc::_exit(code) }
}

fn run(cell: Cell) -> i32 {
    let denied = match cell.denial {
        Denial::Call { call, errno, late: false } => told(filter::deny(call.calls, errno)),
        Denial::Unlisted => {
            tell_of_the_unlisted();
            told(filter::allow_only(calls::listed()))
        }
        Denial::Folder(folder) => told(hide(folder)),
        Denial::Nothing | Denial::Call { late: true, .. } => Ok(()),
    };
    if let Err(refused) = denied {
        say(&refused);
        return NO_RIGHTS;
    }
    let ready = || {
        let Denial::Call { call, errno, late: true } = cell.denial else { return };
        if let Err(refused) = told(filter::deny(call.calls, errno)) {
            say(&refused);
            leave(NO_RIGHTS);
        }
    };
    match (cell.operation.run)(&ready) {
        Ok(()) => RIGHT,
        Err(error) => {
            say(&chain(&*error));
            ERROR
        }
    }
}

fn told(result: Result<(), impl fmt::Display>) -> Result<(), String> {
    result.map_err(|error| error.to_string())
}

/// Writes it out by a call that the crate does not make.
fn say(what: &str) {
    let _ = rustix::io::writev(rustix::stdio::stdout(), &[IoSlice::new(what.as_bytes())]);
}

/// Says which call it was, where it was this process's.
fn tell_of_the_unlisted() {
    use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, sigaction};

    extern "C" fn tell(_: libc::c_int, info: *mut libc::siginfo_t, _: *mut libc::c_void) {
        // SAFETY: of a SIGSYS by seccomp the kernel has put the call's number there (`si_syscall`).
        let number = unsafe { *info.byte_add(24).cast::<i32>() };
        say(&format!("call {number} is on no list"));
        leave(UNLISTED)
    }
    let action = SigAction::new(SigHandler::SigAction(tell), SaFlags::empty(), SigSet::empty());
    // SAFETY: the handler prints and ends the process; it comes only where the test has failed.
    unsafe { sigaction(Signal::SIGSYS, &action) }.expect("SIGSYS can be handled");
}
