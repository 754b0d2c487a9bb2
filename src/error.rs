//! The errors of the whole crate.
//!
//! One enum, [`Error`], for what can fail while something is made; and for each operation that
//! can fail in its own ways, an error of its own, which gives back what was not taken. The crate's
//! page tells their style; tests.rs holds every one to it.

mod array;
mod barrier;
mod chain;
mod codec;
mod layout;
mod limit;
mod lock;
mod name;
mod pipe;
mod pool;
mod queue;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::fmt;
use std::io;
use std::path::PathBuf;

pub use array::{IndexOutOfRange, ValueTooLong};
pub use barrier::BrokenBarrier;
pub(crate) use chain::Chain;
pub use codec::{CodecError, Collection, FieldMismatch, FormatDemand};
pub use layout::LayoutProblem;
pub use limit::FileSizeLimit;
pub use lock::{PoisonCause, Poisoned, TryLockError};
pub use name::NameProblem;
pub use pipe::{RecvError, SendCause, SendError};
pub use pool::{PoolJoinError, TaskError, WorkerNotStarted};
pub use queue::{GetError, PutError, TooManyDone};

/// Why something could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A capacity or a length that is zero or larger than can be.
    #[error("{what} of {asked} cannot be made: it must be from 1 to {max}")]
    Capacity {
        /// What was asked for: "a queue capacity in messages", …
        what: &'static str,
        /// How much was asked for.
        asked: usize,
        /// The most that can be had.
        max: usize,
    },
    /// Shared memory is reserved when it is made, so that it can never run out later; this much
    /// is not there.
    #[error(
        "{needed} bytes of shared memory do not fit into the {available} bytes that are free: \
         ask for less, or free some"
    )]
    OutOfMemory {
        /// Bytes asked for, the header included.
        needed: usize,
        /// Bytes that the machine could still give.
        available: usize,
    },
    /// Shared memory is a file, and so is what goes to a child; this process may make none of that
    /// length.
    #[error(transparent)]
    FileSizeLimit(#[from] FileSizeLimit),
    /// A fork would copy locks that other threads hold, and the child could hang on them.
    #[error(
        "this process has {threads} threads, so a forked child could hang on a lock that one of \
         them holds: fork before starting threads, or use Process::spawn, which starts a fresh \
         process"
    )]
    MultiThreaded {
        /// Threads of this process, the caller's included.
        threads: usize,
    },
    /// Threads that this process had may have left handles, which a forked child cannot use.
    #[error(
        "this process has had other threads, and a forked child could crash on a handle of one of \
         them: fork before starting threads, or use Process::spawn, which starts a fresh process \
         (or the unsafe Process::fork_after_threads, if no such handle is used there)"
    )]
    HadThreads,
    /// The child would not know this process, nor be known, by the numbers that locks go by.
    #[error(
        "the children of this thread go into another {namespace} namespace (after an unshare or a \
         setns), where processes and locks do not know each other: start children before that, or \
         from a program that was started inside"
    )]
    OtherNamespace {
        /// The kind of namespace: "PID" or "time".
        namespace: &'static str,
    },
    /// The child would have a copy of a guard, and by it access to what the parent has locked.
    #[error(
        "this process holds {locks} lock(s) in shared memory, and a forked child would hold copies \
         of their guards: drop the guards before forking (of one that was leaked there is no way \
         back: use Process::spawn)"
    )]
    LockHeld {
        /// Locks in shared memory that this process holds. (One in private memory does not count:
        /// the child has its own copy of it, and of its guard.) What else this thread holds for which
        /// the kernel keeps its list, a robust mutex of C's or a lock of another version of this crate
        /// in the same program, counts as one.
        locks: usize,
    },
    /// The handle is a copy: its process has been forked since the child was started.
    #[error(
        "the process is no child of this one, which has a copy of its handle by a fork: only its \
         parent can signal it"
    )]
    NotAChild,
    /// A daemonic process may have no children: nobody would end them.
    #[error("a daemonic process may have no children: start them from its parent")]
    Daemonic,
    /// Children are forgotten by the system as they end, so nobody could learn how.
    #[error(
        "SIGCHLD is ignored in this process, so the end of a child could not be seen: set it to \
         its default"
    )]
    ChildrenIgnored,
    /// A fresh process of this program could not find the function.
    #[error(
        "the function, or this crate, is in a shared library and not in the program itself, where \
         a fresh process of it looks: use Process::fork, or link it into the program"
    )]
    NotInProgram,
    /// Each process of this program has more rights than the one that starts it, so a child would
    /// take no orders from its parent.
    #[error(
        "this program has more rights than whoever starts it (its file is setuid, setgid or has \
         capabilities), so a fresh process of it does not do what its starter says: use \
         Process::fork, or have a program without those rights do this part"
    )]
    Privileged,
    /// What a fresh process would be started from is not this program.
    #[error(
        "/proc/self/exe, from which a fresh process is started, is another program that runs this \
         one (the loader, ld-linux*.so, or an emulator): start this program itself, or use \
         Process::fork"
    )]
    OtherProgram,
    /// A fresh process would not know that it is a child, and run `main`.
    #[error(
        "the system does not tell a process by which path it was started (AT_EXECFN), by which a fresh \
         process knows that it is a child: use Process::fork"
    )]
    NoStartPath,
    /// There is no `/proc`, or it is not the kernel's.
    #[error(
        "there is no /proc/self/exe of the kernel's, from which a fresh process is started: mount \
         /proc, of the PID namespace that this process is in, or use Process::fork"
    )]
    NoProc,
    /// The child would start a child as well, and so on.
    #[error(
        "this was called by what the loader runs before main, before this crate was started or in \
         a child: a fresh process would call it again, without end. Call it from main, or use \
         Process::fork"
    )]
    TooEarly,
    /// A variable that a child is to have cannot be in an environment.
    #[error(
        "the environment variable {name:?} cannot be given to a child: a name is not empty and has \
         neither '=' nor NUL, and a value has no NUL"
    )]
    InvalidVariable {
        /// The variable's name.
        name: OsString,
    },
    /// The directory in which a child is to begin cannot be entered.
    #[error(
        "a child cannot begin in the directory {path:?}: it must be one that this process may enter"
    )]
    Directory {
        /// The path, as it was given.
        path: PathBuf,
        /// What the system answered.
        source: io::Error,
    },
    /// A child is to have a limit above the hard limit of this process.
    #[error(
        "a child cannot have a limit of {asked} {limit}, above this process's own of {most}: ask for \
         less, or raise this process's hard limit first"
    )]
    LimitTooHigh {
        /// What is limited: "open files", …
        limit: &'static str,
        /// What was asked for.
        asked: u64,
        /// The hard limit of this process.
        most: u64,
    },
    /// The argument for a child could not be serialised.
    #[error("the argument cannot be sent to the child")]
    Argument(#[source] CodecError),
    /// The memory holds something else than what it was opened as.
    #[error("the shared memory does not hold what was expected")]
    Layout(#[source] LayoutProblem),
    /// A name of shared memory could not be used.
    #[error("shared memory {name:?}: {}", Chain(.problem))]
    Name {
        /// The name that was asked for.
        name: String,
        /// What is wrong with it, and what to do. It is what this error says, so not its source.
        problem: NameProblem,
    },
    /// A lock's owner died or panicked: what [`Poisoned`] becomes when `?` hands it on.
    #[error("the lock's last owner {0} while holding it: check the data, then call clear_poison")]
    Poisoned(PoisonCause),
    /// A lock was held by another: what [`TryLockError::WouldBlock`] becomes when `?` hands it on.
    #[error("the lock is held by another")]
    WouldBlock,
    /// The operating system refused a call.
    #[error("{call} failed")]
    Os {
        /// The call.
        call: &'static str,
        /// What the system answered.
        source: io::Error,
    },
}

impl Error {
    pub(crate) fn os(call: &'static str, source: impl Into<io::Error>) -> Self {
        Error::Os { call, source: source.into() }
    }
}

/// A semaphore cannot count that far: nothing was released.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[error("releasing {released} permits more than {value} would pass the limit of {max}")]
pub struct Overflow {
    /// Permits that were to be released.
    pub released: u32,
    /// Permits that were free; of a [`RobustSemaphore`](crate::RobustSemaphore), free or held.
    pub value: u32,
    /// The most that there can be.
    pub max: u32,
}

/// Why a child gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProcessError {
    /// It ended with this exit code, and not by returning (with 0: by [`process::exit`]).
    ///
    /// [`process::exit`]: crate::process::exit
    #[error("the process ended with exit code {0}, without leaving a result")]
    Exited(i32),
    /// It ended with this exit code, and had not even taken what it was to run.
    ///
    /// A fresh process whose program has got more rights since (see [`Error::Privileged`]) ends so
    /// with code 70, and says it on its standard error; others that end the process before `main`
    /// choose their own.
    #[error(
        "the process ended with exit code {0} before it had taken its function: it should have \
         said why on its standard error"
    )]
    NotStarted(i32),
    /// It was killed by the signal of this number.
    #[error("the process {}", KilledBy(*.0))]
    Signaled(i32),
    /// It has ended itself because an allocation has failed, under the limit that its builder has set
    /// ([`Limits::memory`](crate::process::Limits::memory)).
    #[error(
        "the process ended because an allocation failed: raise the limit of memory that its builder has \
         set, or have it use less"
    )]
    OutOfMemory,
    /// It could not be made what its builder says: its function was not called.
    #[error(
        "the process could not be given what its builder says, and its function was not called: {call} \
         failed"
    )]
    NotSetUp {
        /// The call.
        call: &'static str,
        /// What the system answered there.
        source: io::Error,
    },
    /// Its function panicked.
    #[error("the process panicked{}: {message}", At(.location))]
    Panicked {
        /// What the panic said.
        message: String,
        /// Where, as `file:line:column`; `None` when the program has replaced the panic hook.
        location: Option<String>,
    },
    /// Its argument could not be deserialised in the child: the function was not called.
    #[error("the process could not read its argument")]
    Argument(#[source] CodecError),
    /// Its function returned what cannot be serialised.
    #[error("the process could not send its result")]
    Encode(#[source] CodecError),
    /// What it sent could not be deserialised.
    #[error("the result of the process could not be read")]
    Decode(#[source] CodecError),
    /// The result was already given to a join.
    #[error("the process was already joined: its result is with that join")]
    AlreadyJoined,
    /// It was in another PID namespace than its parent, where locks do not know their owners: its
    /// function was not called.
    #[error(
        "the process was started into another PID namespace than its parent's, and its function \
         was not called: start children before unshare or setns, or from a program that was \
         started inside"
    )]
    OtherNamespace,
    /// The caller is not its parent, but a forked sibling with a copy of the handle.
    #[error("only the parent of a process can join it")]
    NotAChild,
    /// The system refused the call that tells how it ended, or what it left.
    #[error("how the process ended, or what its function returned, is not known: {call} failed")]
    Os {
        /// The call.
        call: &'static str,
        /// What the system answered.
        source: io::Error,
    },
    /// It left no result, and other code of this program has waited for it and has its status.
    #[error(
        "the process left no result, and its exit status went to other code that waits for \
         children"
    )]
    StatusTaken,
}

/// Why a thread gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ThreadError {
    /// It panicked.
    #[error("the thread panicked{}: {message}", At(.location))]
    Panicked {
        /// What the panic said.
        message: String,
        /// Where, as `file:line:column`; `None` when the program has replaced the panic hook.
        location: Option<String>,
    },
    /// The result was already given to a join.
    #[error("the thread was already joined: its result is with that join")]
    AlreadyJoined,
    /// A thread that waits for its own end waits for ever.
    #[error("a thread cannot join itself")]
    JoinsItself,
    /// The caller is in a process that was forked from the thread's, and has a copy of the handle.
    #[error("the thread is of the process that this one was forked from: only there it is joined")]
    OfAnotherProcess,
}

/// ` at file:line:column`, or nothing.
struct At<'a>(&'a Option<String>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |place| write!(f, " at {place}"))
    }
}

/// `was killed by SIGKILL`, for a signal's number.
pub(crate) struct KilledBy(pub(crate) i32);

impl fmt::Display for KilledBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match nix::sys::signal::Signal::try_from(self.0) {
            Ok(known) => write!(f, "was killed by {known}"),
            Err(_) => write!(f, "was killed by signal {}", self.0),
        }
    }
}
