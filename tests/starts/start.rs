//! One start of the program, and what it has said.

use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::process::{Pid, PidfdFlags, Signal, kill_process_group, pidfd_open};

use crate::file::{File, output_of, write_or_start};
use crate::program;

/// Long enough for whatever comes, short enough to see that it does not.
const LONG: Duration = Duration::from_secs(60);

pub(crate) struct Start {
    command: Command,
    log: PathBuf,
}

/// What a program has said until it ended.
#[derive(Debug)]
pub(crate) struct Said {
    output: String,
    pub(crate) errors: String,
    pub(crate) came_to_main: usize,
    pub(crate) came_early: usize,
}

impl Said {
    /// What it has said of this.
    #[track_caller]
    pub(crate) fn of(&self, what: &str) -> &str {
        let start = format!("{what}: ");
        let found = self.output.lines().find_map(|line| line.strip_prefix(&start));
        found.unwrap_or_else(|| panic!("it says nothing of {what}: {self:?}"))
    }
}

impl Start {
    pub(crate) fn of(file: &File) -> Self {
        Self::new(file.path())
    }

    pub(crate) fn new(program: impl AsRef<OsStr>) -> Self {
        let name = std::thread::current().name().unwrap_or("start").replace("::", "-");
        let log = std::env::temp_dir().join(format!("multiproc-{name}-{}.log", std::process::id()));
        std::fs::write(&log, "").unwrap();
        let mut command = Command::new(program);
        command.env_clear().env(program::LOG, &log);
        Start { command, log }
    }

    pub(crate) fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.command.arg(arg);
        self
    }

    /// With this in its environment.
    pub(crate) fn with(mut self, variable: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(variable, value);
        self
    }

    /// Started by this user, who may write to the log.
    pub(crate) fn by_user(mut self, user: u32) -> Self {
        std::os::unix::fs::chown(&self.log, Some(user), None).unwrap();
        self.command.uid(user).gid(user);
        self
    }

    pub(crate) fn run(self) -> Said {
        self.meanwhile(|| ())
    }

    /// Does this when the program runs and has no children yet.
    pub(crate) fn meanwhile(mut self, change: impl FnOnce()) -> Said {
        self.command.args([
            "--exact",
            "the_program",
            "--ignored",
            "--nocapture",
            "--test-threads=1",
        ]);
        self.command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // All that comes of it can be ended.
        self.command.process_group(0);
        let program = write_or_start(|| self.command.spawn()).unwrap();
        self.go_on(program, change)
    }

    /// Where no `/proc` is, or one that `make_up` makes; `None` where that cannot be had.
    ///
    /// # Safety
    ///
    /// What `make_up` does is allowed between fork and exec: system calls.
    pub(crate) unsafe fn without_proc(mut self, make_up: fn() -> bool) -> Option<Said> {
        let hide = move || {
            // SAFETY: they change what this process sees of files, and nothing in its memory; the
            // paths are texts. Allowed between fork and exec: they are system calls.
            let hidden = unsafe {
                libc::unshare(libc::CLONE_NEWNS) == 0 && {
                    let private = libc::MS_REC | libc::MS_PRIVATE;
                    let (none, root, proc) = (std::ptr::null(), c"/".as_ptr(), c"/proc".as_ptr());
                    libc::mount(none, root, none, private, none.cast()) == 0
                        && libc::mount(none, proc, c"tmpfs".as_ptr(), 0, none.cast()) == 0
                        && make_up()
                }
            };
            if hidden { Ok(()) } else { Err(std::io::Error::last_os_error()) }
        };
        // SAFETY: the closure only makes system calls (the caller's promise).
        unsafe { self.command.pre_exec(hide) };
        // Whether it can be: seen of a program that has nothing else to fail of.
        let mut other = Command::new("/bin/true");
        // SAFETY: as above.
        unsafe { other.pre_exec(hide) };
        output_of(&mut other).is_ok().then(|| self.run())
    }

    fn go_on(&self, mut program: Child, change: impl FnOnce()) -> Said {
        let (mut out, mut err) = (program.stdout.take().unwrap(), program.stderr.take().unwrap());
        let pid = Pid::from_child(&program);
        let end = pidfd_open(pid, PidfdFlags::empty()).unwrap();
        change();
        drop(program.stdin.take());
        let read = |from: &mut dyn Read| {
            let mut text = Vec::new();
            from.read_to_end(&mut text).unwrap();
            String::from_utf8_lossy(&text).into_owned()
        };
        std::thread::scope(|scope| {
            let output = scope.spawn(move || read(&mut out));
            let errors = scope.spawn(move || read(&mut err));
            let timeout = LONG.try_into().unwrap();
            let ended = poll(&mut [PollFd::new(&end, PollFlags::IN)], Some(&timeout)).unwrap();
            let _ = kill_process_group(pid, Signal::KILL);
            program.wait().unwrap();
            let (output, errors) = (output.join().unwrap(), errors.join().unwrap());
            let [came_to_main, came_early] =
                [program::MAIN, program::EARLY].map(|place| program::came_to(place, &self.log));
            let said = Said { output, errors, came_to_main, came_early };
            assert_eq!(ended, 1, "it does not end: {said:?}");
            said
        })
    }
}

impl Drop for Start {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.log);
    }
}
