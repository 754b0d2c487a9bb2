//! Ctrl-C: SIGINT for every process of the terminal's foreground group.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use crate::{Nothing, for_ever};
use multiproc::{Event, Pool, Process, ProcessError, Shared};
use rustix::process::{Pid, Signal, kill_process_group};

extern "C" fn go_on(_: i32) {}

/// Not a test: the program of `an_interrupt_ends_a_child_and_leaves_daemons_and_workers_to_their_parent`.
#[test]
#[ignore = "played by another test, in a process of its own"]
fn program() {
    // SAFETY: the handler does nothing.
    unsafe { libc::signal(libc::SIGINT, go_on as extern "C" fn(i32) as usize) };
    let (ready, go) = (Shared::new(Event::new()).unwrap(), Shared::new(Event::new()).unwrap());
    let wait = |(ready, go): (Shared<Event>, Shared<Event>)| {
        ready.set();
        go.wait();
        7
    };
    let daemon = Process::builder().daemon(true).spawn(wait, (ready.clone(), go.clone())).unwrap();
    ready.wait();
    let child = Process::spawn(|()| for_ever(), ()).unwrap();
    let pool = Pool::new(1).unwrap();
    let worker = pool.apply(|()| std::process::id(), ()).unwrap();

    println!("[ready]");
    let mut sent = String::new();
    std::io::stdin().read_line(&mut sent).unwrap();
    assert!(matches!(child.join(), Err(ProcessError::Signaled(libc::SIGINT))));
    assert_eq!(pool.apply(|()| std::process::id(), ()).unwrap(), worker);
    go.set();
    assert_eq!(daemon.join().unwrap(), 7);
    println!("[right]");
}

#[test]
fn an_interrupt_ends_a_child_and_leaves_daemons_and_workers_to_their_parent() -> Nothing {
    let mut program = Command::new(std::env::current_exe()?)
        .args(["--exact", "interrupts::program", "--ignored", "--nocapture", "--test-threads=1"])
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()?;
    let mut lines = BufReader::new(program.stdout.take().expect("a pipe")).lines();
    let mut said = Vec::new();
    let mut hears = |what: &str| {
        lines.by_ref().map_while(Result::ok).any(|line| {
            said.push(line);
            said.last().is_some_and(|line| line.contains(what))
        })
    };
    assert!(hears("[ready]"), "{said:?}");
    // As the terminal does.
    kill_process_group(Pid::from_child(&program), Signal::INT)?;
    writeln!(program.stdin.take().expect("a pipe"), "sent")?;
    assert!(hears("[right]"), "{said:?}");
    assert!(program.wait()?.success());
    Ok(())
}
