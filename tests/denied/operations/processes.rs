//! Children: spawned and forked, waited for, ended, and left to the end of the program.

use std::io::{Read, Write};
use std::sync::Mutex;
use std::time::Duration;

use multiproc::process::{self, Limits, StartMethod, Stdio};
use multiproc::{Process, ProcessBuilder, ProcessError};

use super::{Done, Operation, TICK, Told, here, spawning, told};
use crate::logger::Logger;

pub(super) const ALL: &[Operation] = &[
    spawning("spawn and join", spawn_and_join),
    spawning("spawn, a long argument and result", spawn_with_much),
    spawning("spawn, a panic", spawn_and_panic),
    spawning("spawn and join_for", spawn_and_join_for),
    spawning("spawn and kill", |ready| spawn_and_end(ready, 9)),
    spawning("spawn and terminate", |ready| spawn_and_end(ready, 15)),
    spawning("fork server, start and join", serve_and_join),
    spawning("fork server, start and kill", serve_and_kill),
    spawning("end with a fork server's daemon", |_| serve_and_end_with_it()),
    here("fork and join", fork_and_join),
    here("fork and kill", fork_and_kill),
    here("current", current),
    spawning("spawn, with everything that a builder says", spawn_with_all),
    here("fork, with everything that a builder says", fork_with_all),
    spawning("spawn, out of memory", spawn_out_of_memory),
    spawning("parent", parent),
    spawning("active_children", active_children),
    spawning("end with a child", |_| spawn_and_end_with_it(false)),
    spawning("end with a daemon", |_| spawn_and_end_with_it(true)),
    here("end with a forked child", |_| fork_and_end_with_it(false)),
    here("end with a forked daemon", |_| fork_and_end_with_it(true)),
];

fn spawn_and_join(ready: &dyn Fn()) -> Done {
    ready();
    let child = Process::spawn(|n: u64| n * n, 12)?;
    assert_eq!(child.join()?, 144);
    assert!(!child.is_alive() && child.exit_status().is_some_and(|status| status.success()));
    assert!(matches!(child.join(), Err(ProcessError::AlreadyJoined)));
    Ok(())
}

fn by_fork_server() -> ProcessBuilder {
    Process::builder().start_method(StartMethod::ForkServer)
}

/// The helper is there when it is denied late.
fn serve_and_join(ready: &dyn Fn()) -> Done {
    let square = |n: u64| n * n;
    assert_eq!(by_fork_server().spawn(square, 11)?.join()?, 121);
    ready();
    let child = by_fork_server().spawn(square, 12)?;
    assert_eq!(child.join()?, 144);
    assert!(!child.is_alive() && child.exit_status().is_some_and(|status| status.success()));
    Ok(())
}

fn serve_and_kill(ready: &dyn Fn()) -> Done {
    ready();
    let child = by_fork_server().spawn(|()| forever(), ())?;
    child.kill()?;
    ended_by(&child, 9)
}

fn serve_and_end_with_it() -> Done {
    by_fork_server().daemon(true).spawn(|()| forever(), ())?;
    Ok(())
}

fn spawn_with_much(ready: &dyn Fn()) -> Done {
    let much: Vec<u64> = (0..100_000).collect();
    ready();
    let child = Process::spawn(|much: Vec<u64>| much, much.clone())?;
    assert!(child.join()? == much);
    Ok(())
}

fn spawn_and_panic(ready: &dyn Fn()) -> Done {
    ready();
    let child = Process::spawn(|()| -> u32 { panic!("on purpose") }, ())?;
    match child.join() {
        Err(ProcessError::Panicked { message, .. }) if message == "on purpose" => Ok(()),
        Err(error) => Err(error.into()),
        Ok(value) => panic!("it gave {value}"),
    }
}

/// Does not end by itself.
fn forever() {
    loop {
        std::thread::park();
    }
}

fn ended_by(child: &Process<()>, signal: i32) -> Done {
    match child.join() {
        Err(ProcessError::Signaled(told)) if told == signal => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => panic!("it does not end by itself"),
    }
}

fn spawn_and_join_for(ready: &dyn Fn()) -> Done {
    let child = Process::spawn(|()| forever(), ())?;
    ready();
    if let Some(ended) = child.join_for(TICK) {
        return Err(ended.expect_err("it does not end by itself").into());
    }
    assert!(child.is_alive() && child.exit_status().is_none());
    child.kill()?;
    ended_by(&child, 9)
}

fn spawn_and_end(ready: &dyn Fn(), signal: i32) -> Done {
    let child = Process::spawn(|()| forever(), ())?;
    ready();
    if signal == 9 { child.kill() } else { child.terminate() }?;
    ended_by(&child, signal)
}

fn fork_and_join(ready: &dyn Fn()) -> Done {
    ready();
    let numbers: Vec<u64> = (0..100_000).collect();
    let child = Process::fork(|| numbers.iter().sum::<u64>())?;
    assert_eq!(child.join()?, 4_999_950_000);
    Ok(())
}

fn fork_and_kill(ready: &dyn Fn()) -> Done {
    let child = Process::fork(forever)?;
    ready();
    if let Some(ended) = child.join_for(TICK) {
        return Err(ended.expect_err("it does not end by itself").into());
    }
    child.kill()?;
    ended_by(&child, 9)
}

/// One that says all that can be said.
fn builder() -> ProcessBuilder {
    let limits =
        Limits::new().memory(1 << 40).cpu_time(Duration::from_secs(600)).open_files(200).core(0);
    Process::builder()
        .env("GREETING", "hello")
        .current_dir("/proc")
        .stdin(Stdio::Null)
        .stdout(Stdio::Piped)
        .limits(limits)
        .forward_logs(true)
}

/// What a child of it finds.
fn look() -> Told<(String, String)> {
    let said = std::io::stdout().write_all(b"said\n");
    said.map_err(|error| format!("write failed: {error}"))?;
    log::warn!("logged");
    let directory = std::fs::read_link("/proc/self/cwd").map(|path| path.display().to_string());
    Ok((std::env::var("GREETING").unwrap_or_default(), directory.unwrap_or_default()))
}

fn found(child: &Process<Told<(String, String)>>) -> Done {
    let mut said = String::new();
    // The call that reads is this test's, too.
    let read = child.take_stdout().expect("it is a pipe").read_to_string(&mut said);
    read.map_err(|error| format!("read failed: {error}"))?;
    let (greeting, directory) = child.join()??;
    // The call that tells the directory is this test's.
    assert!(directory == "/proc" || directory.is_empty(), "{directory}");
    assert_eq!((said.as_str(), greeting.as_str()), ("said\n", "hello"));
    Ok(())
}

static LOGGED: Mutex<Vec<String>> = Mutex::new(Vec::new());

fn spawn_with_all(ready: &dyn Fn()) -> Done {
    Logger::set(log::LevelFilter::Info, |record| {
        LOGGED.lock().unwrap().push(record.args().to_string());
    });
    ready();
    let child = builder().name("Levi").spawn(|()| look(), ())?;
    found(&child)?;
    // What this crate itself has to say of a denied call comes beside it; nothing comes changed.
    let logged = LOGGED.lock().unwrap();
    assert!(
        logged.iter().filter(|text| text.ends_with(": logged")).all(|text| text == "Levi: logged")
    );
    Ok(())
}

fn fork_with_all(ready: &dyn Fn()) -> Done {
    ready();
    found(&builder().fork(look)?)
}

fn spawn_out_of_memory(ready: &dyn Fn()) -> Done {
    ready();
    let limits = Limits::new().memory(1 << 28).core(0);
    let allocate = |bytes: usize| std::hint::black_box(Vec::<u8>::with_capacity(bytes)).len();
    match Process::builder().limits(limits).spawn(allocate, 1 << 30)?.join() {
        // By a signal, where it does not come to telling why.
        Err(ProcessError::OutOfMemory | ProcessError::Signaled(_)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(value) => panic!("it gave {value}"),
    }
}

fn parent(ready: &dyn Fn()) -> Done {
    ready();
    assert!(process::parent()?.is_none());
    let look = |()| -> Told<(u32, bool, bool)> {
        let parent = told(process::parent())?.expect("it is a child");
        Ok((parent.pid(), parent.is_alive(), parent.wait_for(TICK)))
    };
    let seen = Process::spawn(look, ())?.join()??;
    assert_eq!(seen, (std::process::id(), true, false));
    Ok(())
}

fn active_children(ready: &dyn Fn()) -> Done {
    let child = Process::builder().name("Levi").spawn(|()| forever(), ())?;
    ready();
    let children = process::active_children();
    let Some(levi) = children.first() else {
        return Err(child.join().expect_err("it does not end by itself").into());
    };
    assert_eq!((levi.name(), levi.pid(), levi.is_alive()), ("Levi", child.pid(), true));
    levi.kill()?;
    ended_by(&child, 9)?;
    assert!(!levi.is_alive());
    assert!(process::active_children().is_empty());
    Ok(())
}

fn current(ready: &dyn Fn()) -> Done {
    ready();
    let current = process::current();
    assert_eq!((current.pid(), current.name()), (std::process::id(), "MainProcess"));
    assert!(!current.is_daemon());
    Ok(())
}

/// A daemon is ended with the program, any other child is waited for.
fn spawn_and_end_with_it(daemon: bool) -> Done {
    let life = if daemon { |()| forever() } else { |()| std::thread::park_timeout(TICK) };
    Process::builder().daemon(daemon).spawn(life, ())?;
    Ok(())
}

fn fork_and_end_with_it(daemon: bool) -> Done {
    let life = if daemon { forever } else { || std::thread::park_timeout(TICK) };
    Process::builder().daemon(daemon).fork(life)?;
    Ok(())
}
