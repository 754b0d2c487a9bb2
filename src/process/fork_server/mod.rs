//! Children that a helper makes by copying itself: see [`StartMethod::ForkServer`].
//!
//! ```text
//! this process                    helper (this program, started afresh)        child
//! starts the helper, once ──────> waits for messages
//! asks, by a message with the ──> clone (CLONE_PARENT) ───────────────────────> is a child of this
//!   child's descriptors             the kernel writes the child's number          process
//!                                   into memory that both have
//! reads the number <───────────── answers
//! opens a pidfd of the child,                                                  does what exec would have
//!   and lets it begin ────────────────────────────────────────────────────────>  done, begins
//! ```
//!
//! From there on the child is as one that was started by exec: it has the same request and the same
//! [`Exchange`].
//!
//! | the helper is killed | what comes of it |
//! |---|---|
//! | before it is asked, or before it has made the child | another is started, and asked |
//! | after it has made the child | the number is there: the child is this process's, and begins |
//!
//! A child that this process does not come to know of ends by itself, since it is not let begin: each
//! attempt has an exchange of its own.
//!
//! [`StartMethod::ForkServer`]: crate::process::StartMethod::ForkServer

mod credentials;
mod helper;
mod message;
mod serve;

use std::ffi::CString;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::io::Errno;

use crate::error::Error;
use crate::process::exchange::Exchange;
use crate::process::fork_server::helper::{Asked, Helper};
use crate::process::fork_server::message::MOST_FDS;
use crate::process::inherited::Inherited;
use crate::process::spawn::{self, Started};
use crate::process::spawn_request::SpawnRequest;
use crate::sys::{ForkCell, ForkLocal, fork_generation};

/// So many helpers are started for one child, should somebody kill each; then it is started by exec.
const ATTEMPTS: u32 = 10;

/// What a process has of its helper.
#[derive(Clone, Debug, Default)]
struct State {
    /// The generation of the process whose it is.
    of: u64,
    helper: Option<Arc<Helper>>,
    /// A helper has said that it cannot make children.
    is_unable: bool,
}

static STATE: ForkCell<State> = ForkCell::new();

/// Whoever has it may ask the helper.
static TURN: ForkLocal<Mutex<()>> = ForkLocal::new(Mutex::default);

/// Starts a child by the helper; or by exec, where there can be no helper.
pub(super) fn start(
    request: &mut SpawnRequest,
    environment: &[CString],
    fds: &[OwnedFd],
) -> Result<Started, Error> {
    if let Some(started) = copy(request, environment, fds)? {
        return Ok(started);
    }
    request.head.inherited = None;
    spawn::start(request, environment)
}

/// Has a child made; `None` where there can be no helper.
fn copy(
    request: &mut SpawnRequest,
    environment: &[CString],
    argument: &[OwnedFd],
) -> Result<Option<Started>, Error> {
    let Ok((inherited, files)) = Inherited::of_this_process(environment) else { return Ok(None) };
    request.head.inherited = Some(inherited);
    let bytes = request.to_bytes().map_err(Error::Argument)?;
    let turn = TURN.get().lock().unwrap_or_else(PoisonError::into_inner);
    for _ in 0..ATTEMPTS {
        let Some(helper) = helper()? else { return Ok(None) };
        let exchange = Exchange::with_request(&bytes)?;
        let fds: Vec<BorrowedFd<'_>> = [exchange.as_fd()]
            .into_iter()
            .chain(files.iter())
            .chain(argument.iter().map(AsFd::as_fd))
            .collect();
        if fds.len() > MOST_FDS {
            return Ok(None);
        }
        match helper.ask(&fds) {
            Asked::Made(pid) => return Ok(Some((pid, exchange))),
            Asked::Refused(errno @ (Errno::AGAIN | Errno::NOMEM)) => {
                return Err(Error::os("clone", errno));
            }
            Asked::Refused(_) | Asked::CannotAsk => return Ok(None),
            Asked::Gone { by_signal } => {
                end();
                if !by_signal {
                    return Ok(None);
                }
            }
            Asked::Unable => {
                end();
                STATE.change(|state| state.is_unable = true);
                // The logger may start a child, too.
                drop(turn);
                log::warn!(
                    "no fork server can be had in this program (what runs before main has started a \
                     thread, or the kernel does not tell where a thread's number is): children are \
                     started as by StartMethod::Spawn"
                );
                return Ok(None);
            }
        }
    }
    Ok(None)
}

/// The helper of this process, which is started if there is none that serves; `None` where there can be
/// none.
fn helper() -> Result<Option<Arc<Helper>>, Error> {
    forget();
    let state = STATE.read(Clone::clone);
    if state.is_unable {
        return Ok(None);
    }
    if let Some(helper) = state.helper.filter(|helper| helper.serves()) {
        return Ok(Some(helper));
    }
    end();
    let helper = Arc::new(Helper::start()?);
    STATE.change(|state| state.helper = Some(helper.clone()));
    Ok(Some(helper))
}

/// Ends the helper of this process.
pub(super) fn end() {
    // Dropped here, not under the lock.
    let helper = STATE.change(|state| state.helper.take());
    drop(helper);
}

/// In a forked process, whoever has forked it: the helper is its parent's, and the copies of its descriptors
/// are closed.
pub(super) fn forget() {
    let generation = fork_generation();
    if STATE.read(|state| state.of) != generation {
        let old = STATE
            .change(|state| std::mem::replace(state, State { of: generation, ..State::default() }));
        drop(old);
    }
}
