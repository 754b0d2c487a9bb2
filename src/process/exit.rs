//! The end of the running process, at its own wish.

use rustix::process::getpid;
use rustix::thread::gettid;

use crate::process::current::is_child;
use crate::runtime::{ask_to_end, end};

/// Ends the running process with `code`, of which the system keeps the lowest 8 bits.
///
/// In a child of this crate, what the program's other parts have registered for its end is not run
/// (a forked child has it from its parent, who runs it); standard output and error are flushed,
/// threads that are no daemons are waited for, children are reaped. The parent's
/// [`join`](crate::Process::join) gives [`ProcessError::Exited`](crate::ProcessError::Exited).
/// In the program itself, this is [`std::process::exit`], but for one case: a thread may call it
/// when `main` has returned and waits for that very thread. (There, std's would never return: it
/// waits for the end that has begun.)
///
/// ```
/// use multiproc::{Process, ProcessError, process};
///
/// // What a closure gives that never returns has to be said: it is not sent.
/// let child: Process<()> = Process::spawn(|()| process::exit(3), ())?;
/// assert!(matches!(child.join(), Err(ProcessError::Exited(3))));
/// assert_eq!(child.exit_status().map(|status| status.code()), Some(3));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Different from Python
///
/// `sys.exit` raises an exception, so what is on the stack is cleaned up; here it is not, as in
/// [`std::process::exit`].
pub fn exit(code: i32) -> ! {
    if is_child() {
        end(code)
    }
    if gettid() != getpid() {
        ask_to_end(code);
    }
    std::process::exit(code)
}
