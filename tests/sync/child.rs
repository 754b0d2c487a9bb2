//! A child made by a bare fork, which the harness's threads do not hinder: it may only use what needs
//! no lock of the parent's.

/// A child that ran `body` and ended, or is about to; a zombie until it is dropped.
pub(crate) struct Child(libc::pid_t);

impl Child {
    pub(crate) fn run(body: impl FnOnce()) -> Self {
        // SAFETY: the child runs `body`, which allocates at most, and never returns from here.
        match unsafe { libc::fork() } {
            0 => {
                body();
                // SAFETY: it ends the child.
                unsafe { libc::_exit(0) }
            }
            pid => {
                assert!(pid > 0, "no child");
                Child(pid)
            }
        }
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        // SAFETY: a child of this process that nobody has waited for.
        unsafe { libc::kill(self.0, libc::SIGKILL) };
    }

    /// Waits until it has ended, and leaves the zombie.
    pub(crate) fn ended(self) -> Self {
        // SAFETY: all zero is a place for the answer.
        let mut info = unsafe { std::mem::zeroed() };
        let options = libc::WEXITED | libc::WNOWAIT;
        // SAFETY: a child of this process that nobody else waits for.
        let waited = unsafe { libc::waitid(libc::P_PID, self.0 as u32, &mut info, options) };
        assert_eq!(waited, 0);
        self
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
