//! What is started while a process ends already does not keep it from ending.

use std::thread;

use multiproc::{Pool, Process, Receiver, pipe};

use crate::{LONG, for_ever};

fn sleep(_: ()) {
    for_ever();
}

/// Runs `late` in a thread that nobody waits for, when its process has begun to end; the process is
/// held there until `late` has returned.
fn as_it_ends(late: fn()) {
    let (held, release) = pipe::<()>().unwrap();
    // No daemon: it is waited for, and comes after the daemons.
    Process::spawn(|held: Receiver<()>| held.recv().unwrap(), held).unwrap();
    let daemon = Process::builder().daemon(true).spawn(sleep, ()).unwrap();
    thread::spawn(move || {
        // It is terminated: the end has begun.
        daemon.join().unwrap_err();
        late();
        release.send(()).unwrap();
    });
}

/// Whether a process that runs this function comes to its end.
fn ends(function: fn(())) {
    let program = Process::spawn(function, ()).unwrap();
    let ended = program.join_for(LONG);
    program.kill().unwrap();
    ended.expect("it does not hang").unwrap();
}

#[test]
fn a_daemon_that_is_started_late_is_ended_too() {
    ends(|()| {
        as_it_ends(|| drop(Process::builder().daemon(true).spawn(sleep, ()).unwrap()));
    });
}

#[test]
fn a_pool_that_is_made_late_is_terminated_too() {
    ends(|()| {
        as_it_ends(|| {
            let pool = Pool::new(1).unwrap();
            pool.apply_async(sleep, ()).ok();
            std::mem::forget(pool);
        });
    });
}
