//! What is left behind when processes end: nothing. Daemons, dropped handles, descriptors, output.

use std::fs;
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::process::Command;

use super::{METHOD, builder, spawn};
use crate::{LONG, Nothing, alone, children, for_a_while, for_ever, name_of};
use multiproc::process::{self, StartMethod};
use multiproc::{Error, Event, Lock, Process, ProcessError, Semaphore, Shared};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, WaitId, WaitIdOptions, pidfd_open, test_kill_process, waitid,
};

type Number = Shared<Lock<u32>>;
type Told = Shared<Event>;

fn pid(number: u32) -> Pid {
    Pid::from_raw(number as i32).unwrap()
}

fn is_there(number: u32) -> bool {
    test_kill_process(pid(number)) != Err(Errno::SRCH)
}

/// The numbers of the open descriptors, but for the one that is used to look.
fn descriptors() -> Vec<String> {
    let mut open: Vec<_> = fs::read_dir("/proc/self/fd")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| fs::read_link(path).is_ok_and(|to| !to.ends_with("fd")))
        .map(|path| format!("{path:?} -> {:?}", fs::read_link(&path)))
        .collect();
    open.sort();
    open
}

fn mappings() -> usize {
    fs::read_to_string("/proc/self/maps").unwrap().matches("multiproc").count()
}

fn has_children() -> bool {
    !children().is_empty()
}

/// Waits until a child of this process is a zombie, and leaves it one.
fn wait_for_zombie(number: u32) {
    waitid(WaitId::Pid(pid(number)), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT).unwrap();
}

fn wait_for_end(of: &OwnedFd) {
    let timeout = LONG.try_into().unwrap();
    let ready = poll(&mut [PollFd::new(of, PollFlags::IN)], Some(&timeout)).unwrap();
    assert_eq!(ready, 1, "it still runs");
}

#[test]
fn nothing_is_left_of_children_that_were_joined_or_dropped() {
    alone(|()| {
        let round = || {
            let number: Number = Shared::new(Lock::new(1)).unwrap();
            let sum = |number: Number| *number.lock().unwrap() + 1;
            assert_eq!(spawn(sum, number.clone()).unwrap().join().unwrap(), 2);
            assert_eq!(Process::fork(|| 3).unwrap().join().unwrap(), 3);
            Process::fork(|| -> () { process::exit(9) }).unwrap().join().unwrap_err();
            let dropped = Process::fork(|| 4).unwrap().pid();
            let sleeper = Process::fork(for_ever).unwrap();
            sleeper.kill().unwrap();
            wait_for_zombie(sleeper.pid());
            drop(sleeper);
            if is_there(dropped) {
                wait_for_zombie(dropped);
            }
            // The next start reaps what was dropped.
            Process::fork(|| ()).unwrap().join().unwrap();
            assert!(!has_children());
        };
        round();
        let before = (descriptors(), mappings());
        (0..20).for_each(|_| round());
        assert_eq!(before, (descriptors(), mappings()));
    });
}

#[test]
fn a_handle_dropped_early_leaves_no_zombie_past_the_next_start() {
    alone(|()| {
        let number = Process::fork(for_a_while).unwrap().pid();
        wait_for_zombie(number);
        Process::fork(|| ()).unwrap().join().unwrap();
        assert!(!is_there(number));
    });
}

#[test]
fn a_spawned_child_gets_only_the_descriptors_meant_for_it() -> Nothing {
    let _open_here = fs::File::open("/dev/null")?;
    let number: Number = Shared::new(Lock::new(1))?;
    // What this process was itself given by whoever started it goes on to everyone.
    fn of_a_program() -> usize {
        let listed = Command::new("ls").arg("/proc/self/fd").output().unwrap().stdout;
        String::from_utf8(listed).unwrap().lines().count()
    }
    let look = |number: Number| {
        drop(number);
        (descriptors(), of_a_program())
    };
    let (own, programs) = spawn(look, number)?.join()?;
    let expected = match METHOD {
        StartMethod::Spawn => of_a_program(),
        // But for the standard streams, and the folder that is listed.
        _ => 4,
    };
    assert_eq!(programs, expected);
    // The page that the result goes on instead of what ls looks through.
    assert_eq!(own.len(), programs, "{own:?}");
    Ok(())
}

#[test]
fn where_no_descriptor_is_left_there_is_an_error_and_no_zombie() {
    alone(|()| {
        use rustix::process::{Resource, Rlimit, setrlimit};
        let ran = Shared::new(Semaphore::new(0)).unwrap();
        let mut started = 0;
        let mut refused = 0;
        Process::fork(|| ()).unwrap().join().unwrap();
        spawn(|()| (), ()).unwrap().join().unwrap();
        // Without gaps in the numbers, which what is opened next would fill.
        let mut files = Vec::new();
        while files.last().is_none_or(|file: &fs::File| {
            file.as_raw_fd() as usize + 1 != descriptors().len()
        }) {
            files.push(fs::File::open("/dev/null").unwrap());
        }
        let open = descriptors().len() as u64;
        // Looking for threads takes one, so from none left to a few.
        for left in 0..6 {
            let limit = Rlimit { current: Some(open + left), maximum: None };
            let old = rustix::process::getrlimit(Resource::Nofile);
            setrlimit(Resource::Nofile, Rlimit { maximum: old.maximum, ..limit }).unwrap();
            let starts = [
                Process::fork(|| ran.release(1).unwrap()),
                spawn(|ran: Shared<Semaphore>| ran.release(1).unwrap(), ran.clone()),
            ];
            setrlimit(Resource::Nofile, old).unwrap();
            for start in starts {
                match start {
                    Ok(child) => {
                        child.join().unwrap();
                        started += 1;
                    }
                    Err(Error::Os { call: "pidfd_open", .. }) => refused += 1,
                    Err(Error::Os { .. } | Error::Argument(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
        Process::fork(|| ()).unwrap().join().unwrap();
        assert!(!has_children());
        // What has failed has not run, and will not: nobody is left who could.
        assert_eq!(ran.value(), started);
        assert!(started > 0 && refused > 0, "{started} started, {refused} could not be waited for");
    });
}

#[test]
fn a_daemon_may_have_no_children() -> Nothing {
    let daemon = builder().daemon(true).spawn(
        |()| {
            assert!(process::current().is_daemon());
            let errors = [Process::fork(|| ()).err(), spawn(|()| (), ()).err()];
            errors.iter().all(|error| matches!(error, Some(Error::Daemonic)))
        },
        (),
    )?;
    assert!(daemon.is_daemon());
    assert!(daemon.join()?);
    Ok(())
}

#[test]
fn daemons_end_with_their_parent() -> Nothing {
    let parent = |()| {
        let sleep = |()| for_ever();
        let spawned = builder().daemon(true).spawn(sleep, ()).unwrap();
        let forked = builder().daemon(true).fork(|| sleep(())).unwrap();
        [spawned.pid(), forked.pid()]
    };
    let numbers = spawn(parent, ())?.join()?;
    assert!(numbers.iter().all(|&number| !is_there(number)));
    Ok(())
}

#[test]
fn a_daemon_that_does_not_heed_sigterm_is_killed() -> Nothing {
    let parent = |()| {
        let ready = Shared::new(Event::new()).unwrap();
        let stubborn = |ready: Told| {
            use nix::sys::signal::{SigHandler, Signal, signal};
            // SAFETY: no handler of anybody's is replaced.
            unsafe { signal(Signal::SIGTERM, SigHandler::SigIgn) }.unwrap();
            ready.set();
            for_ever();
        };
        let daemon = builder().daemon(true).spawn(stubborn, ready.clone()).unwrap();
        ready.wait();
        daemon.pid()
    };
    let number = spawn(parent, ())?.join()?;
    assert!(!is_there(number));
    Ok(())
}

#[test]
fn a_child_that_is_killed_at_any_time_leaves_a_whole_result_or_none() {
    alone(|()| {
        const LEN: usize = 1 << 18;
        for round in 0..300u32 {
            let child = Process::fork(|| vec![7u8; LEN]).unwrap();
            // Later from round to round.
            (0..round * 100).for_each(|_| std::hint::spin_loop());
            child.kill().unwrap();
            match child.join() {
                Ok(result) => assert_eq!(result, vec![7; LEN]),
                Err(ProcessError::Signaled(9)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!(!has_children());
    });
}

#[test]
fn threads_start_processes_side_by_side() {
    /// Starts one child and gives how many descriptors it had open.
    fn start(n: u64) -> usize {
        let number: Number = Shared::new(Lock::new(0)).unwrap();
        let add = |(number, n): (Number, u64)| {
            *number.lock().unwrap() += 1;
            (n, descriptors().len())
        };
        let (told, open) = spawn(add, (number.clone(), n)).unwrap().join().unwrap();
        assert_eq!((told, *number.lock().unwrap()), (n, 1));
        open
    }
    alone(|()| {
        let usual = start(0);
        let before = (descriptors(), mappings());
        std::thread::scope(|scope| {
            for thread in 0..8 {
                // Of the children that start at the same time, each has nothing.
                scope.spawn(move || (0..10).for_each(|i| assert_eq!(start(thread * i), usual)));
            }
        });
        assert_eq!(before, (descriptors(), mappings()));
        assert!(!has_children());
    });
}

/// Starts a daemon of the caller's and tells its number; then waits to be killed.
fn has_a_daemon((number, told): (Number, Told)) {
    let live = |told: Told| {
        told.set();
        for_ever();
    };
    let daemon = builder().daemon(true).spawn(live, told).unwrap();
    *number.lock().unwrap() = daemon.pid();
    for_ever();
}

#[test]
fn daemons_die_with_a_parent_that_is_killed() -> Nothing {
    let from_main = |given| has_a_daemon(given);
    // Here the kernel would look at a thread that may end before the process does.
    let from_thread = |given| std::thread::spawn(|| has_a_daemon(given)).join().unwrap();
    for parent in [from_main as fn((Number, Told)), from_thread] {
        let (number, told) = (Shared::new(Lock::new(0))?, Shared::new(Event::new())?);
        let parent = spawn(parent, (number.clone(), told.clone()))?;
        assert!(told.wait_for(LONG));
        while *number.lock().unwrap() == 0 {
            std::thread::yield_now();
        }
        let daemon = pidfd_open(pid(*number.lock().unwrap()), PidfdFlags::empty())?;
        parent.kill()?;
        wait_for_end(&daemon);
    }
    Ok(())
}

#[test]
fn a_daemon_outlives_the_thread_that_started_it() -> Nothing {
    let run = |()| {
        let go = Shared::new(Event::new()).unwrap();
        let child = go.clone();
        let start = || builder().daemon(true).spawn(|go: Told| (go.wait(), 7).1, child);
        let daemon = std::thread::spawn(start).join().unwrap().unwrap();
        go.set();
        daemon.join().unwrap()
    };
    assert_eq!(spawn(run, ())?.join()?, 7);
    Ok(())
}

#[test]
fn children_that_are_no_daemons_are_waited_for() -> Nothing {
    // Nobody joins it.
    fn start((forked, done): (bool, Told)) -> u32 {
        let slow = |done: Told| {
            for_a_while();
            done.set();
        };
        match forked {
            true => Process::fork(move || slow(done)).unwrap().pid(),
            false => spawn(slow, done).unwrap().pid(),
        }
    }
    for forked in [true, false] {
        let done = Shared::new(Event::new())?;
        let number = spawn(start, (forked, done.clone()))?.join()?;
        assert!(done.is_set());
        assert!(!is_there(number));
    }
    Ok(())
}

/// Not a test: the program of `a_program_waits_for_its_children_and_prints_once`.
#[test]
#[ignore = "played by another test, in a process of its own"]
fn program() {
    // In a child, which can fork.
    alone(|()| {
        print!("[said once]");
        Process::fork(|| print!("[from the child]")).unwrap().join().unwrap();
        println!("[end]");
    });
    // In the program itself: nobody joins it.
    let slow = |()| {
        for_a_while();
        println!("[from the orphan]");
    };
    let _ = spawn(slow, ()).unwrap();
    let daemon = |()| {
        for_ever();
        println!("[from the daemon]");
    };
    let _ = builder().daemon(true).spawn(daemon, ()).unwrap();
}

#[test]
fn a_program_waits_for_its_children_and_prints_once() -> Nothing {
    let ran = Command::new(std::env::current_exe()?)
        .args(["--exact", &name_of(module_path!(), "program"), "--ignored", "--nocapture", "--test-threads=1"])
        .output()?;
    let said = String::from_utf8(ran.stdout)?;
    assert!(ran.status.success(), "{said}");
    assert!(
        said.contains("[said once][from the child][end]") || {
            said.contains("[from the child][said once][end]")
        }
    );
    assert_eq!(said.matches("[said once]").count(), 1, "{said}");
    assert!(said.contains("[from the orphan]"), "{said}");
    assert!(!said.contains("[from the daemon]"), "{said}");
    Ok(())
}

#[test]
fn a_pidfd_tells_the_end_to_poll() -> Nothing {
    let child = spawn(|()| (), ())?;
    wait_for_end(&child.as_fd().try_clone_to_owned()?);
    assert!(!child.is_alive());
    Ok(())
}

#[test]
fn what_the_parents_thread_blocks_its_child_hears() {
    alone(|()| {
        let mut blocked = nix::sys::signal::SigSet::empty();
        blocked.add(nix::sys::signal::Signal::SIGTERM);
        blocked.thread_block().unwrap();
        let child = spawn(|()| for_ever(), ()).unwrap();
        child.terminate().unwrap();
        assert!(matches!(child.join(), Err(ProcessError::Signaled(libc::SIGTERM))));
    });
}

#[test]
fn a_parent_without_standard_input_has_children() {
    alone(|()| {
        // SAFETY: nothing in this process reads from it.
        unsafe { libc::close(0) };
        assert_eq!(spawn(|n: u32| n + 1, 1).unwrap().join().unwrap(), 2);
    });
}
