//! A child made by a bare fork, which the harness's threads do not hinder: it may only use what needs
//! no lock of the parent's.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// A child that ran `body` and ended, or is about to; a zombie until it is dropped.
pub(crate) struct Child(libc::pid_t);

impl Child {
    pub(crate) fn run(body: impl FnOnce()) -> Self {
        // SAFETY: the child runs `body`, which allocates at most, and never returns from here.
        match unsafe { libc::fork() } {
            0 => {
                let code = i32::from(catch_unwind(AssertUnwindSafe(body)).is_err());
                // SAFETY: it ends the child.
                unsafe { libc::_exit(code) }
            }
            pid => {
                assert!(pid > 0, "no child");
                Child(pid)
            }
        }
    }

    pub(crate) fn pid(&self) -> libc::pid_t {
        self.0
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        self.signal(libc::SIGKILL);
    }

    pub(crate) fn signal(&self, signal: i32) {
        // SAFETY: a child of this process that nobody has waited for.
        unsafe { libc::kill(self.0, signal) };
    }

    pub(crate) fn is_stopped(&self) -> bool {
        let info = self.ask(libc::WSTOPPED | libc::WNOWAIT | libc::WNOHANG);
        // SAFETY: of a child that was stopped, or all zero.
        unsafe { info.si_pid() == self.0 }
    }

    /// Waits until it has ended, and leaves the zombie.
    pub(crate) fn ended(self) -> Self {
        self.ask(libc::WEXITED | libc::WNOWAIT);
        self
    }

    /// What it exited with, 1 when it panicked, if it has ended.
    pub(crate) fn code(&self) -> Option<i32> {
        let info = self.ask(libc::WEXITED | libc::WNOWAIT | libc::WNOHANG);
        // SAFETY: of a child that has ended, or all zero.
        unsafe { (info.si_pid() == self.0).then(|| info.si_status()) }
    }

    fn ask(&self, options: i32) -> libc::siginfo_t {
        // SAFETY: all zero is a place for the answer.
        let mut info = unsafe { std::mem::zeroed() };
        // SAFETY: a child of this process that nobody else waits for.
        let waited = unsafe { libc::waitid(libc::P_PID, self.0 as u32, &mut info, options) };
        assert_eq!(waited, 0);
        info
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // Of a test that fails, so that it does not wait for a child that never ends.
        if std::thread::panicking() {
            self.kill();
        }
        // SAFETY: a child of this process that nobody else waits for.
        unsafe { libc::waitpid(self.0, std::ptr::null_mut(), 0) };
    }
}
