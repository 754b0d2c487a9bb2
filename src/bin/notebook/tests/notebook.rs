//! How the notebook is called, how it ends, and what it leaves behind: nothing.
#![cfg(not(loom))]

mod support;

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, pipe};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, Stdio};

use rustix::process::{Signal, kill_process};
use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use support::{Run, notebook, said, transcript};

/// So slow that nothing ends by itself while a test looks.
const SLOW: &str = "--speed=0.001";

const NAMES: [&str; 16] = [
    "fork",
    "wait",
    "process",
    "process_class",
    "pool_apply",
    "pool_map",
    "pipe",
    "queue",
    "shared_array",
    "semaphore",
    "thread",
    "thread_attributes",
    "event",
    "lock",
    "thread_class",
    "zombie",
];

/// As many of them go on as long as it is that slow; the others have nothing to sleep for.
const LASTING: usize = NAMES.len() - 2;

/// Calls it wrongly: what it says then.
fn refused(args: &[&str]) -> String {
    let output = notebook(args).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(2), "{args:?}");
    assert_eq!(said(&output.stdout), "", "{args:?}");
    said(&output.stderr)
}

#[test]
fn the_list_names_all_in_the_notebooks_order() {
    let list = transcript(&["--list"]);
    let names = list.lines().map(|line| line.split_whitespace().next().unwrap_or_default());
    assert!(names.eq(NAMES), "{list}");
    assert!(list.lines().all(|line| line.split_whitespace().count() > 3), "{list}");
}

#[test]
fn the_help_says_what_can_be_asked() {
    insta::with_settings!({ prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!("help", transcript(&["--help"]));
    });
}

#[test]
fn an_unknown_name_is_answered_with_the_known_ones() {
    let answer = refused(&["event", "semaphor"]);
    assert!(NAMES.iter().all(|name| answer.contains(name)), "{answer}");
    assert!(answer.contains("a similar value exists: 'semaphore'"), "{answer}");
}

#[test]
fn a_wrong_speed_is_refused() {
    for speed in ["0", "-0", "-1", "nan", "inf", "fast", ""] {
        let answer = refused(&[&format!("--speed={speed}")]);
        assert!(answer.contains("--speed"), "{answer}");
    }
    assert!(refused(&["--speed=0"]).contains("it must be more than 0, and finite"));
}

#[test]
fn no_rounds_are_refused() {
    for rounds in ["0", "-1", "1.5", "many"] {
        assert!(refused(&["lock", &format!("--rounds={rounds}")]).contains("--rounds"));
    }
}

#[test]
fn names_are_played_in_the_order_given() {
    let transcript = transcript(&["zombie", "event", "zombie", "--speed=1000"]);
    let titles = transcript.lines().filter_map(|line| line.strip_prefix("── "));
    let names = titles.map(|title| title.split(':').next().unwrap_or_default());
    assert!(names.eq(["zombie", "event", "zombie"]), "{transcript}");
    assert!(transcript.contains("3 of 3 verdicts hold"), "{transcript}");
}

#[test]
fn the_lock_looks_as_often_as_it_is_asked() {
    let transcript = transcript(&["lock", "--rounds=20000", "--speed=1000"]);
    for who in ["threads", "processes"] {
        let start = format!("between {who}: looked 20000 times while ");
        let line = transcript.lines().find(|line| line.starts_with(&start));
        let line = line.unwrap_or_else(|| panic!("nothing of {who}: {transcript}"));
        assert!(line.ends_with("a and b differed 0 times"), "{line}");
    }
}

#[test]
fn two_hundred_semaphores_keep_three_permits() {
    for _ in 0..200 {
        let transcript = transcript(&["semaphore", "--speed=1000"]);
        assert!(transcript.contains("never more than 3 inside; final value 3"), "{transcript}");
    }
}

#[test]
fn the_whole_notebook_leaves_nothing_behind() {
    let names = || {
        let entries = fs::read_dir("/dev/shm").into_iter().flatten().flatten();
        entries.map(|entry| entry.file_name()).collect::<BTreeSet<_>>()
    };
    let before = names();
    let mut run = Run::start(&["--speed=100"]);
    // Its output ends when the last that holds the pipe has ended.
    let lines = BufReader::new(run.stdout()).lines().collect::<Result<Vec<_>, _>>();
    let lines = lines.expect("it prints text");
    let last = lines.last().expect("it prints something");
    assert!(last.starts_with("16 of 16 verdicts hold"), "{lines:#?}");
    run.await_end_of_all();
    let output = run.end();
    assert!(output.status.success());
    assert_eq!(said(&output.stderr), "", "no progress into a pipe");
    assert_eq!(names().difference(&before).next(), None);
}

#[test]
fn an_interrupt_ends_every_process() {
    for (signal, code) in [(Signal::INT, 130), (Signal::TERM, 143), (Signal::HUP, 129)] {
        let run = Run::start(&[SLOW]);
        run.await_scenario_processes(LASTING);
        // Only the supervisor gets it.
        run.signal(signal);
        run.await_end_of_all();
        assert_eq!(run.end().status.code(), Some(code));
    }
}

#[test]
fn a_killed_supervisor_ends_every_process() {
    let run = Run::start(&[SLOW]);
    run.await_scenario_processes(LASTING);
    run.signal(Signal::KILL);
    run.await_end_of_all();
    assert_eq!(run.end().status.signal(), Some(9));
}

#[test]
fn a_killed_scenario_process_is_reported_and_its_children_end() {
    let run = Run::start(&["semaphore", "event", SLOW]);
    run.await_scenario_processes(2);
    for process in run.scenario_processes() {
        kill_process(process, Signal::KILL).expect("it runs");
    }
    let output = run.end();
    let transcript = said(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{transcript}");
    assert!(
        transcript
            .contains("verdict: DOES NOT HOLD: the scenario's process was killed by signal 9")
    );
    assert!(transcript.contains("0 of 2 verdicts hold"), "{transcript}");
    assert!(transcript.contains("; not: semaphore, event"), "{transcript}");
}

#[test]
fn a_verdict_that_does_not_hold_gives_one() {
    // A scenario process whose parent is not its supervisor plays nothing.
    let output = notebook(&["event", "--supervisor=1"]).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(said(&output.stdout), "verdict: DOES NOT HOLD: the supervisor has ended\n");
}

#[test]
fn children_are_waited_for_where_the_caller_forgets_its_own() {
    let mut ignoring = Command::new("env");
    ignoring.args(["--ignore-signal=CHLD", env!("CARGO_BIN_EXE_notebook")]);
    let output = ignoring.args(["wait", "zombie", "pool_map", "--speed=100"]).output();
    let output = output.expect("coreutils are there");
    assert!(output.status.success(), "{}", said(&output.stdout));
}

#[test]
fn it_ends_when_nobody_reads_on() {
    let (reader, writer) = pipe().expect("there are descriptors");
    drop(reader);
    let run = Run::start_into(&[SLOW], writer.into());
    run.await_end_of_all();
    assert_eq!(run.end().status.code(), Some(141));
}

#[test]
fn progress_is_shown_on_a_terminal() {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let screen = openpt(flags).expect("there are terminals");
    unlockpt(&screen).expect("it is ours");
    let terminal = ioctl_tiocgptpeer(&screen, flags).expect("it is ours");

    let mut command = notebook(&["wait", "semaphore", "--speed=100"]);
    let mut program = command
        .env("TERM", "xterm")
        .stdout(Stdio::piped())
        .stderr(terminal)
        .spawn()
        .expect("the program starts");
    // Our copy of the terminal: what the program has of it is then the last.
    drop(command);
    let shown = read_to_end(File::from(screen));
    let printed = read_to_end(program.stdout.take().expect("it is a pipe"));
    assert!(program.wait().expect("it is a child").success());
    assert!(shown.contains("0/2") && shown.contains("playing wait, semaphore"), "{shown}");
    assert!(!printed.contains('\x1b') && !printed.contains("playing"), "{printed}");
    assert!(printed.contains("2 of 2 verdicts hold"), "{printed}");
}

fn read_to_end(mut from: impl Read) -> String {
    let mut bytes = Vec::new();
    // A terminal that the last writer has left gives an error instead of an end.
    let _ = from.read_to_end(&mut bytes);
    said(&bytes)
}
