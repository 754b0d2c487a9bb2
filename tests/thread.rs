//! Threads with Python's face: names, daemons, who is there, what happens at the end.
#![cfg(not(modelled))]

#[path = "support/alone.rs"]
mod alone;
#[path = "thread/keys.rs"]
mod keys;
#[path = "support/linger.rs"]
mod linger;
#[path = "thread/locals.rs"]
mod locals;
#[path = "support/until.rs"]
mod until;

use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use alone::alone;
use linger::{for_a_while, for_ever};
use multiproc::{Event, Process, Run, Shared, Thread, ThreadError, thread};

type Nothing = Result<(), Box<dyn std::error::Error>>;

const LONG: Duration = Duration::from_secs(60);

fn comm(number: u32) -> String {
    std::fs::read_to_string(format!("/proc/self/task/{number}/comm")).unwrap().trim_end().to_owned()
}

#[test]
fn a_thread_returns_what_its_work_gives() -> Nothing {
    struct Player {
        song: String,
        times: usize,
    }
    impl Run for Player {
        type Output = String;
        fn run(self) -> String {
            self.song.repeat(self.times)
        }
    }
    assert_eq!(Thread::spawn(|| 2 + 2)?.join()?, 4);
    let player = Thread::start(Player { song: "la ".to_owned(), times: 2 })?;
    assert_eq!(player.join()?, "la la ");
    Ok(())
}

#[test]
fn names_are_pythons() {
    alone(|()| {
        assert_eq!(thread::current().name(), "MainThread");
        assert!(!thread::current().is_daemon());
        assert_eq!(Thread::spawn(|| ()).unwrap().name(), "Thread-1");
        let levi = Thread::builder().name("Levi").spawn(|| thread::current().name()).unwrap();
        assert_eq!((levi.name().as_str(), levi.join().unwrap().as_str()), ("Levi", "Levi"));
        assert_eq!(Thread::spawn(|| ()).unwrap().name(), "Thread-2");
        let foreign = std::thread::spawn(|| (thread::current().name(), thread::current().name()));
        assert_eq!(foreign.join().unwrap(), ("Dummy-1".into(), "Dummy-1".into()));
    });
}

#[test]
fn a_new_name_is_seen_by_both_sides_and_by_the_kernel() -> Nothing {
    let (renamed, done) = (Arc::new(Event::new()), Arc::new(Event::new()));
    let (see, stay) = (renamed.clone(), done.clone());
    let thread = Thread::builder().name("a name longer than fits").start(move || {
        see.wait();
        let seen = thread::current().name();
        thread::current().rename("from within");
        stay.wait();
        seen
    })?;
    assert_eq!(comm(thread.native_id()), "a name longer t");
    // Cut where a character ends.
    thread.rename("ÄÖÜÄÖÜÄÖÜ");
    assert_eq!(comm(thread.native_id()), "ÄÖÜÄÖÜÄ");
    renamed.set();
    while thread.name() != "from within" {
        std::thread::yield_now();
    }
    done.set();
    assert_eq!(thread.join()?, "ÄÖÜÄÖÜÄÖÜ");
    Ok(())
}

#[test]
fn a_name_may_hold_anything() -> Nothing {
    let thread = Thread::builder().name("nul\0 and\nline").start(|| thread::current().name())?;
    assert_eq!(thread.join()?, "nul\0 and\nline");
    Ok(())
}

#[test]
fn a_daemon_starts_daemons() -> Nothing {
    let own = || Thread::spawn(|| thread::current().is_daemon()).unwrap().join().unwrap();
    assert!(Thread::builder().daemon(true).start(own)?.join()?);
    assert!(!Thread::builder().daemon(false).start(own)?.join()?);
    Ok(())
}

#[test]
fn whether_it_lives_and_when_it_is_joined() -> Nothing {
    let go = Arc::new(Event::new());
    let wait = go.clone();
    let thread = Thread::spawn(move || (wait.wait(), 5).1)?;
    assert!(thread.is_alive());
    assert!(thread.try_join().is_none());
    assert!(thread.join_for(Duration::from_millis(5)).is_none());
    assert!(thread.join_until(Instant::now()).is_none());
    go.set();
    let Some(Ok(5)) = thread.join_for(LONG) else { panic!("it ends when told") };
    assert!(!thread.is_alive());
    assert!(matches!(thread.join(), Err(ThreadError::AlreadyJoined)));
    assert!(matches!(thread.try_join(), Some(Err(ThreadError::AlreadyJoined))));
    Ok(())
}

#[test]
fn a_panic_is_told_with_its_place() -> Nothing {
    let line = line!() + 1;
    let thread = Thread::builder().name("unlucky").start(|| -> () { panic!("no {}", 7) })?;
    let error = thread.join().unwrap_err();
    let text = error.to_string();
    let ThreadError::Panicked { message, location } = error else { panic!("{text}") };
    assert_eq!(message, "no 7");
    assert!(location.unwrap().starts_with(&format!("{}:{line}:", file!())));
    Ok(())
}

#[test]
fn a_thread_cannot_join_itself() -> Nothing {
    let slot = Arc::new(std::sync::Mutex::new(None::<Thread<()>>));
    let ready = Arc::new(Event::new());
    let (own, wait) = (slot.clone(), ready.clone());
    let (tell, told) = std::sync::mpsc::channel();
    let thread = Thread::spawn(move || {
        wait.wait();
        let slot = own.lock().unwrap();
        tell.send(slot.as_ref().unwrap().join().unwrap_err().to_string()).unwrap();
    })?;
    *slot.lock().unwrap() = Some(thread);
    ready.set();
    assert_eq!(told.recv()?, "a thread cannot join itself");
    Ok(())
}

#[test]
fn all_that_live_are_listed() {
    alone(|()| {
        let names = || thread::all().iter().map(|thread| thread.name()).collect::<Vec<_>>();
        assert_eq!(names(), ["MainThread"]);
        let go = Arc::new(Event::new());
        let start = |name| {
            let go = go.clone();
            Thread::builder().name(name).start(move || go.wait()).unwrap()
        };
        let (one, two) = (start("one"), start("two"));
        assert_eq!(names(), ["MainThread", "one", "two"]);
        assert_eq!(thread::active_count(), 3);
        go.set();
        one.join().unwrap();
        two.join().unwrap();
        assert_eq!(names(), ["MainThread"]);
        // A dropped one goes as well, once it has ended.
        drop(Thread::spawn(|| ()).unwrap());
        while thread::active_count() > 1 {
            std::thread::yield_now();
        }
    });
}

#[test]
fn after_the_join_the_process_has_one_thread_and_can_fork() {
    alone(|()| {
        for _ in 0..200 {
            Thread::spawn(|| ()).unwrap().join().unwrap();
            let body = || {
                let only = thread::all();
                assert_eq!(only.len(), 1);
                assert!(only[0].is_current());
                assert_eq!(thread::current().native_id(), std::process::id());
                Thread::spawn(|| thread::current().name()).unwrap().join().unwrap()
            };
            // SAFETY: all threads that there were are joined.
            let child = unsafe { Process::fork_after_threads(body) };
            assert_eq!(child.unwrap().join().unwrap(), "Thread-1");
        }
    });
}

#[test]
fn a_child_waits_for_its_threads_but_for_daemons() -> Nothing {
    let done = Shared::new(Event::new())?;
    let child = |done: Shared<Event>| {
        // One is started by another, while the process is ending already.
        let last = move || {
            for_a_while();
            done.set();
        };
        let first = || {
            for_a_while();
            drop(Thread::spawn(last).unwrap());
        };
        drop(Thread::spawn(first).unwrap());
        drop(Thread::builder().daemon(true).start(for_ever).unwrap());
    };
    Process::spawn(child, done.clone())?.join()?;
    assert!(done.is_set());
    Ok(())
}

/// Not a test: the program of `a_program_waits_for_its_threads_but_for_daemons`.
#[test]
#[ignore = "played by another test, in a process of its own"]
fn program() {
    let slow = || {
        for_a_while();
        println!("[from the thread]");
    };
    drop(Thread::spawn(slow).unwrap());
    let daemon = || {
        for_ever();
        println!("[from the daemon]");
    };
    drop(Thread::builder().daemon(true).start(daemon).unwrap());
}

/// Not a test: the program of `a_thread_that_ends_the_program_is_not_waited_for`.
#[test]
#[ignore = "played by another test, in a process of its own"]
fn program_that_a_thread_ends() {
    let ends = Thread::spawn(|| std::process::exit(5)).unwrap();
    let _: Result<(), _> = ends.join();
}

fn play(name: &str) -> std::io::Result<std::process::Output> {
    Command::new(std::env::current_exe()?)
        .args(["--exact", name, "--ignored", "--nocapture"])
        .output()
}

#[test]
fn a_program_waits_for_its_threads_but_for_daemons() -> Nothing {
    let ran = play("program")?;
    let said = String::from_utf8(ran.stdout)?;
    assert!(ran.status.success(), "{said}");
    assert!(said.contains("[from the thread]"), "{said}");
    assert!(!said.contains("[from the daemon]"), "{said}");
    Ok(())
}

#[test]
fn a_thread_that_ends_the_program_is_not_waited_for() -> Nothing {
    assert_eq!(play("program_that_a_thread_ends")?.status.code(), Some(5));
    Ok(())
}
