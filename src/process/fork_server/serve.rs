//! The life of a helper, in its own process.

use std::ffi::{CStr, CString};
use std::os::fd::OwnedFd;

use nix::sys::signal::SigSet;
use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};
use serde::{Deserialize, Serialize};

use crate::ipc::codec;
use crate::process::current::is_orphan_of;
use crate::process::entry::{self, Copied, Task};
use crate::process::exchange::Exchange;
use crate::process::fork_server::message::{self, Answer, Received};
use crate::process::identity::Tie;
use crate::process::image::Image;
use crate::process::inherited::ResourceLimits;
use crate::runtime::{caught, leave, tell_panics_of_process};
use crate::sys::{Deadline, Made, SiblingMaker, SiblingNumber, descriptor, fork_generation, poll};

/// What a helper is called, by `ps` and its like.
const NAME: &CStr = c"mp-fork-server";

/// The helper reads a request that has at most so many bytes.
const SHORT: u64 = 1 << 16;

/// The exit code of a helper that cannot be one.
const FAILED: i32 = 1;

/// What a helper is told.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Assignment {
    pub(super) parent: i32,
    /// Whether the main thread of its parent has started it.
    pub(super) by_main_thread: bool,
}

/// What is run in a fresh process that is to be a helper. Its descriptors are the socket, and the memory
/// for the siblings' number.
///
/// # Safety
///
/// There is no other thread that this crate knows of.
pub(super) unsafe fn serve(task: Task) -> ! {
    // The parent waits for this one's end if it gets no descriptor of it.
    if !matches!(task.exchange.await_release(), Ok(true)) {
        leave(FAILED);
    }
    drop(task.exchange);
    let assignment: Option<Assignment> = codec::decode(&task.argument).ok();
    let mut fds = task.fds.into_iter();
    let (Some(assignment), Some(socket), Some(memory)) = (assignment, fds.next(), fds.next())
    else {
        leave(FAILED)
    };
    let Ok(sibling) = SiblingNumber::of(&memory) else { leave(FAILED) };
    drop(memory);
    // Below the hook that `caught` sets, as in a child.
    tell_panics_of_process();
    if let Some(constructors) = task.constructors {
        // SAFETY: this is called by `on_start`, which the loader runs, and never returns.
        unsafe { entry::come_to_main(constructors) };
    }
    let serving = Serving { assignment, socket, sibling };
    let kept = Kept::of_this_process();
    match serving.run(&kept) {
        // SAFETY: this is the only thread of the process, and it has had the request from its parent.
        Some(copied) => unsafe { copied.begin() },
        None => leave(0),
    }
}

struct Serving {
    assignment: Assignment,
    socket: OwnedFd,
    sibling: SiblingNumber,
}

/// What each copy has from the helper, so that it need not be found out again.
struct Kept {
    image: Image,
    limits: ResourceLimits,
    name: CString,
}

impl Kept {
    fn of_this_process() -> Self {
        // Both are made once, and then copied.
        fork_generation();
        let _ = caught(|| ());
        Kept {
            image: Image::of_program(),
            limits: ResourceLimits::of_this_process(),
            name: entry::name_of_program(),
        }
    }
}

impl Serving {
    /// Makes children until the parent has ended, or wants no more. Comes back in a child's process, with
    /// what it is to do.
    fn run(self, kept: &Kept) -> Option<Copied<'_>> {
        // What is sent to the whole process group is for the parent and its children.
        let _ = SigSet::all().thread_block();
        let _ = rustix::thread::set_name(NAME);
        let maker = SiblingMaker::new();
        let parent = descriptor(|| pidfd_open(self.parent(), PidfdFlags::empty())).ok()?;
        // Had it ended before, that could be another's.
        if is_orphan_of(self.assignment.parent) {
            return None;
        }
        loop {
            let Received { mut fds, is_cut, .. } = self.next(&parent)?;
            if is_cut || fds.is_empty() {
                self.answer(Answer::Failed(Errno::MFILE.raw_os_error()))?;
                continue;
            }
            let Some(maker) = &maker else {
                self.answer(Answer::Unable)?;
                continue;
            };
            let exchange = Exchange::from_fd(fds.remove(0));
            // A long one the child reads itself: this process has others to make.
            let is_short = exchange.holds_at_most(SHORT);
            let request = is_short.then(|| entry::read_copied(&exchange));
            // SAFETY: this is the only thread: it was when the maker was made, and no other code runs
            // here. The copy goes on with what it has received.
            match unsafe { maker.make(&self.sibling) } {
                Ok(Made::Sibling(pid)) => self.answer(Answer::Made(pid))?,
                Ok(Made::ThisProcess) => {
                    let by_main_thread = self.assignment.by_main_thread;
                    return Some(Copied {
                        request: request.unwrap_or_else(|| entry::read_copied(&exchange)),
                        exchange,
                        fds,
                        tie: if by_main_thread { Tie::Signal } else { Tie::Watch },
                        image: &kept.image,
                        limits: &kept.limits,
                        name: &kept.name,
                    });
                }
                Err(errno) => self.answer(Answer::Failed(errno.raw_os_error()))?,
            }
        }
    }

    fn answer(&self, answer: Answer) -> Option<()> {
        message::send(&self.socket, answer.to_bytes(), &[]).ok()
    }

    fn parent(&self) -> Pid {
        Pid::from_raw(self.assignment.parent).unwrap_or(Pid::INIT)
    }

    /// The next message; `None` when the parent has ended, or wants no more.
    fn next(&self, parent: &OwnedFd) -> Option<Received> {
        // A process that was forked from the parent may have the other end of the socket, too.
        let mut fds =
            [PollFd::new(&self.socket, PollFlags::IN), PollFd::new(parent, PollFlags::IN)];
        poll(&mut fds, Deadline::Never).ok()?;
        if !fds[1].revents().is_empty() {
            return None;
        }
        message::receive(&self.socket).ok()?
    }
}
