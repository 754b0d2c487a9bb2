//! Runs the notebook, and finds its processes.

use std::fs;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, getpgid, kill_process};

/// The variable that marks the processes of a run.
const MARK: &str = "NOTEBOOK_RUN";

/// The program, to be called with `args`.
pub(crate) fn notebook(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_notebook"));
    command.args(args).stdin(Stdio::null());
    command
}

/// What it prints, as text.
pub(crate) fn said(output: &[u8]) -> String {
    String::from_utf8(output.to_vec()).expect("it prints text")
}

/// What it prints when all goes well.
pub(crate) fn transcript(args: &[&str]) -> String {
    let output = notebook(args).output().expect("the program starts");
    let (out, err) = (said(&output.stdout), said(&output.stderr));
    assert!(output.status.success(), "{}\n{out}\n{err}", output.status);
    assert_eq!(err, "", "nothing but transcripts");
    out
}

/// Waits until something is so. What takes longer than a minute never will.
pub(crate) fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        assert!(Instant::now() < deadline, "still not: {what}");
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// A run whose processes can be told from all others by their environment.
///
/// One that a failing test leaves is killed, and its processes with it.
pub(crate) struct Run {
    mark: String,
    /// None once it is waited for.
    supervisor: Option<Child>,
}

impl Run {
    pub(crate) fn start(args: &[&str]) -> Self {
        Self::start_into(args, Stdio::piped())
    }

    pub(crate) fn start_into(args: &[&str], stdout: Stdio) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
        let mark = format!("{}-{}", std::process::id(), now.as_nanos());
        let mut command = notebook(args);
        command.env(MARK, &mark).stdout(stdout).stderr(Stdio::piped());
        let supervisor = command.spawn().expect("the program starts");
        Run { mark: format!("{MARK}={mark}"), supervisor: Some(supervisor) }
    }

    /// The processes of this run that are alive.
    pub(crate) fn processes(&self) -> Vec<Pid> {
        let numbers = fs::read_dir("/proc").expect("there is /proc").flatten();
        let numbers = numbers.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let ours = numbers.filter(|pid| self.is_ours(*pid));
        ours.filter_map(Pid::from_raw).collect()
    }

    fn is_ours(&self, pid: i32) -> bool {
        // A zombie has none.
        let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|one| one == self.mark.as_bytes())
    }

    /// Those of them that lead a group of their own.
    pub(crate) fn scenario_processes(&self) -> Vec<Pid> {
        let leads = |pid: &Pid| getpgid(Some(*pid)) == Ok(*pid);
        self.processes().into_iter().filter(leads).collect()
    }

    pub(crate) fn await_scenario_processes(&self, count: usize) {
        until("all scenario processes have started", || self.scenario_processes().len() >= count);
    }

    pub(crate) fn await_end_of_all(&self) {
        until("every process of the run has ended", || self.processes().is_empty());
    }

    /// Its standard output, to be read while it runs.
    pub(crate) fn stdout(&mut self) -> ChildStdout {
        let supervisor = self.supervisor.as_mut().expect("it is not waited for yet");
        supervisor.stdout.take().expect("it is a pipe, and not taken yet")
    }

    /// Waits until it has ended. Fails when it takes for ever.
    pub(crate) fn end(mut self) -> Output {
        let supervisor = self.supervisor.take().expect("it is waited for once");
        let pid = Pid::from_child(&supervisor);
        let (sender, output) = mpsc::channel();
        thread::spawn(move || sender.send(supervisor.wait_with_output()));
        match output.recv_timeout(Duration::from_secs(60)) {
            Ok(output) => output.expect("it can be waited for"),
            Err(_) => {
                let _ = kill_process(pid, Signal::KILL);
                panic!("it does not end");
            }
        }
    }

    /// Sends a signal to the supervisor alone.
    pub(crate) fn signal(&self, signal: Signal) {
        let supervisor = self.supervisor.as_ref().expect("it is not waited for yet");
        kill_process(Pid::from_child(supervisor), signal).expect("it is not waited for yet");
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        if let Some(supervisor) = &mut self.supervisor {
            let _ = supervisor.kill();
            let _ = supervisor.wait();
        }
    }
}
