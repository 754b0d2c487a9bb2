//! The helper as the process has it that it makes children for.

use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, Shutdown, SocketFlags, SocketType, shutdown};
use rustix::process::{Signal, getpid};
use rustix::thread::gettid;

use crate::error::Error;
use crate::ipc::codec;
use crate::process::child::{Child, End};
use crate::process::fork_server::credentials::Credentials;
use crate::process::fork_server::message::{self, Answer, START};
use crate::process::fork_server::serve::{Assignment, serve};
use crate::process::identity::{Identity, number};
use crate::process::spawn;
use crate::process::status::ExitStatus;
use crate::sys::{Deadline, SiblingNumber, descriptors, poll};

/// How long a helper may take to end when it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// A helper of this process. It is ended when this is dropped.
#[derive(Debug)]
pub(super) struct Helper {
    child: Child,
    socket: OwnedFd,
    sibling: SiblingNumber,
    /// Those that this process had when it started the helper.
    credentials: Credentials,
}

/// What came of asking for a child.
#[derive(Debug)]
pub(super) enum Asked {
    /// The child was made.
    Made(i32),
    /// The helper was asked, and the system refused.
    Refused(Errno),
    /// It could not be asked, and has made no child.
    CannotAsk,
    /// The helper is gone, and has made no child. `by_signal`, it was killed.
    Gone { by_signal: bool },
    /// The helper says that it cannot make any.
    Unable,
}

impl Helper {
    pub(super) fn start() -> Result<Self, Error> {
        let credentials = Credentials::of_this_thread();
        let kind = SocketType::SEQPACKET;
        let pair =
            || rustix::net::socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None);
        let [socket, theirs] = descriptors(|| pair().map(|(a, b)| [a, b]))
            .map_err(|errno| Error::os("socketpair", errno))?;
        let (sibling, memory) =
            SiblingNumber::new().map_err(|(call, errno)| Error::os(call, errno))?;
        let assignment =
            Assignment { parent: number(getpid()), by_main_thread: gettid() == getpid() };
        let identity = Identity::new(Some("fork server".to_owned()), String::new(), false);
        let argument = codec::to_bytes(&assignment).map_err(Error::Argument)?;
        let child = spawn::start_helper(serve, identity, argument, &[theirs, memory])?;
        // It leaves no outcome.
        child.exchange().take();
        Ok(Helper { child, socket, sibling, credentials })
    }

    /// Whether it can make children for the calling thread: it is this process's, lives, and has the
    /// rights that its children are to have.
    pub(super) fn serves(&self) -> bool {
        self.child.is_ours() && self.credentials == Credentials::of_this_thread()
    }

    /// Has it make a child, which is given `fds`. One thread at a time.
    pub(super) fn ask(&self, fds: &[BorrowedFd<'_>]) -> Asked {
        self.sibling.clear();
        match message::send(&self.socket, START, fds) {
            Ok(()) => {}
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => return self.after_its_end(),
            Err(_) => return Asked::CannotAsk,
        }
        match self.answer() {
            Some(Answer::Made(pid)) => Asked::Made(pid),
            Some(Answer::Failed(errno)) => Asked::Refused(Errno::from_raw_os_error(errno)),
            Some(Answer::Unable) => Asked::Unable,
            None => self.after_its_end(),
        }
    }

    /// Waits for its answer; `None` where there will be none.
    fn answer(&self) -> Option<Answer> {
        let mut fds = [
            PollFd::new(&self.socket, PollFlags::IN),
            // A child that it has made may have the socket still when the helper has ended.
            PollFd::new(&self.child.pidfd, PollFlags::IN),
        ];
        poll(&mut fds, Deadline::Never).ok()?;
        if fds[0].revents().is_empty() {
            return None;
        }
        let received = message::receive(&self.socket).ok()??;
        Some(Answer::from_bytes(received.bytes))
    }

    /// Whether it has made the child that it was asked for: known for certain when it has ended.
    fn after_its_end(&self) -> Asked {
        self.end();
        match (self.sibling.get(), self.child.reap()) {
            (Some(pid), _) => Asked::Made(pid),
            (None, Some(End::Status(ExitStatus::Exited(_)))) => Asked::Gone { by_signal: false },
            (None, _) => Asked::Gone { by_signal: true },
        }
    }

    /// Ends it, and waits for its end.
    fn end(&self) {
        // Where a sandbox forbids signals, it ends when it is told that nobody asks any more.
        let _ = shutdown(&self.socket, Shutdown::Both);
        let _ = self.child.signal(Signal::KILL);
        let _ = self.child.wait(Deadline::after(GRACE));
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        // A forked process has a copy of this, and the helper is its parent's.
        if self.child.is_ours() {
            self.end();
            self.child.reap();
        }
    }
}
