//! What a process is told of its parent and of its children.

use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use crate::{LONG, Nothing, alone};
use multiproc::process::{self, ActiveChild};
use multiproc::{Event, Process, ProcessError, Shared};
use rustix::event::{PollFd, PollFlags, poll};

type Told = Shared<Event>;

#[test]
fn the_program_itself_has_no_parent_of_this_crate() -> Nothing {
    assert!(process::parent()?.is_none());
    Ok(())
}

#[test]
fn a_child_sees_that_its_parent_lives() {
    alone(|()| {
        let look = |()| {
            let parent = process::parent().unwrap().expect("it is a child");
            assert!(parent.is_alive());
            assert!(!parent.wait_for(Duration::from_millis(1)));
            assert!(!parent.wait_until(Instant::now()));
            parent.pid()
        };
        let own = std::process::id();
        assert_eq!(Process::spawn(look, ()).unwrap().join().unwrap(), own);
        assert_eq!(Process::fork(|| look(())).unwrap().join().unwrap(), own);
        // As a child's parent, not as the child that has been forked here.
        let grandparent = process::parent().unwrap().expect("a child as well").pid();
        assert_ne!(grandparent, own);
    });
}

/// Starts a child that tells when it has seen the end of this process, and waits to be killed.
fn be_a_parent((forked, told): (bool, (bool, Told, Told, Told))) {
    match forked {
        true => drop(Process::fork(move || watch(told)).unwrap()),
        false => drop(Process::spawn(watch, told).unwrap()),
    }
    crate::for_ever();
}

fn watch((asks_late, ready, seen, ended): (bool, Told, Told, Told)) {
    let early = (!asks_late).then(|| process::parent().unwrap().expect("it is a child"));
    ready.set();
    if asks_late {
        assert!(ended.wait_for(LONG));
    } else {
        assert!(early.as_ref().is_some_and(|parent| parent.wait_for(LONG)));
    }
    let late = process::parent().unwrap().expect("it has been one");
    late.wait();
    for parent in early.into_iter().chain([late]) {
        assert!(!parent.is_alive() && parent.wait_until(Instant::now()));
        let mut fds = [PollFd::new(&parent, PollFlags::IN)];
        assert_eq!(poll(&mut fds, None).unwrap(), 1);
        assert!(fds[0].revents().contains(PollFlags::IN));
    }
    seen.set();
}

#[test]
fn a_child_sees_the_end_of_its_parent() -> Nothing {
    for (forked, asks_late) in [(false, false), (false, true), (true, false), (true, true)] {
        let [ready, seen, ended] = [(); 3].map(|()| Shared::new(Event::new()).unwrap());
        let argument = (forked, (asks_late, ready.clone(), seen.clone(), ended.clone()));
        let parent = Process::spawn(be_a_parent, argument)?;
        assert!(ready.wait_for(LONG));
        assert!(!seen.is_set());
        parent.kill()?;
        assert!(matches!(parent.join(), Err(ProcessError::Signaled(9))));
        ended.set();
        assert!(seen.wait_for(LONG), "forked: {forked}, asks late: {asks_late}");
    }
    Ok(())
}

fn names(children: &[ActiveChild]) -> Vec<&str> {
    children.iter().map(ActiveChild::name).collect()
}

#[test]
fn the_children_that_run_are_told_and_those_that_have_ended_are_reaped() {
    alone(|()| {
        let go = Shared::new(Event::new()).unwrap();
        assert!(process::active_children().is_empty());
        let start = |name: &str| Process::builder().name(name).fork(|| go.wait()).unwrap();
        let (one, two) = (start("one"), start("two"));
        drop(Process::builder().daemon(true).name("three").fork(crate::for_ever).unwrap());
        let all = process::active_children();
        assert_eq!(names(&all), ["one", "two", "three"]);
        assert_eq!((all[0].pid(), all[1].pid()), (one.pid(), two.pid()));
        assert!(!all[0].is_daemon() && all[2].is_daemon());
        assert!(all.iter().all(ActiveChild::is_alive));

        all[2].terminate().unwrap();
        one.kill().unwrap();
        for ended in [&all[2], &all[0]] {
            let timeout = LONG.try_into().unwrap();
            let mut end = [PollFd::from_borrowed_fd(ended.as_fd(), PollFlags::IN)];
            assert_eq!(poll(&mut end, Some(&timeout)).unwrap(), 1);
        }
        assert_eq!(names(&process::active_children()), ["two"]);
        // It is no zombie any more, and its status is with its handle.
        let number = rustix::process::Pid::from_raw(one.pid() as i32).unwrap();
        assert_eq!(rustix::process::test_kill_process(number), Err(rustix::io::Errno::SRCH));
        assert!(matches!(one.join(), Err(ProcessError::Signaled(9))));
        // Nothing happens to whoever has its number now.
        all[0].kill().unwrap();
        assert!(!all[0].is_alive());
        // Another process has none of them.
        assert_eq!(Process::fork(|| process::active_children().len()).unwrap().join().unwrap(), 0);
        go.set();
        two.join().unwrap();
        assert!(process::active_children().is_empty());
    });
}
