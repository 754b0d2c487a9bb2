//! Children: spawned and forked, waited for, ended, and left to the end of the program.

use multiproc::{Process, ProcessError, process};

use super::{Done, Operation, TICK, here, spawning};

pub(super) const ALL: &[Operation] = &[
    spawning("spawn and join", spawn_and_join),
    spawning("spawn, a long argument and result", spawn_with_much),
    spawning("spawn, a panic", spawn_and_panic),
    spawning("spawn and join_for", spawn_and_join_for),
    spawning("spawn and kill", |ready| spawn_and_end(ready, 9)),
    spawning("spawn and terminate", |ready| spawn_and_end(ready, 15)),
    here("fork and join", fork_and_join),
    here("fork and kill", fork_and_kill),
    here("current", current),
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
