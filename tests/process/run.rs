//! Starting, joining, and what comes back.

use std::time::{Duration, Instant};

use super::{builder, spawn};
use crate::{LONG, Nothing, alone, for_ever};
use multiproc::process::{self, ExitStatus};
use multiproc::{Error, Event, Lock, Process, ProcessError, Run, Shared};

#[test]
fn a_function_runs_in_a_process_of_its_own_and_its_result_comes_back() -> Nothing {
    let work = |(text, number): (String, u64)| (process::current().pid(), text, number);
    let child = spawn(work, ("text".to_owned(), 7))?;
    let pid = child.pid();
    assert_ne!(pid, std::process::id());
    assert_eq!(child.join()?, (pid, "text".to_owned(), 7));
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited(0)));
    assert!(!child.is_alive());
    Ok(())
}

#[test]
fn an_exit_code_is_told() -> Nothing {
    let child: Process<()> = spawn(|()| process::exit(3), ())?;
    assert!(matches!(child.join(), Err(ProcessError::Exited(3))));
    assert_eq!(child.exit_status().map(ExitStatus::code), Some(3));
    alone(|()| {
        let child: Process<()> = Process::fork(|| process::exit(3)).unwrap();
        assert!(matches!(child.join(), Err(ProcessError::Exited(3))));
        let child: Process<()> = Process::fork(|| std::process::exit(4)).unwrap();
        assert!(matches!(child.join(), Err(ProcessError::Exited(4))));
        // It ended well, but without the result that was asked for.
        let child: Process<u8> = Process::fork(|| process::exit(0)).unwrap();
        assert!(matches!(child.join(), Err(ProcessError::Exited(0))));
        assert!(child.exit_status().unwrap().success());
    });
    Ok(())
}

#[test]
fn death_by_signal_is_told() -> Nothing {
    let sleep = |()| for_ever();
    let child = spawn(sleep, ())?;
    assert!(child.is_alive());
    assert_eq!(child.exit_status(), None);
    child.terminate()?;
    let error = child.join().unwrap_err();
    assert!(matches!(error, ProcessError::Signaled(15)), "{error}");
    assert_eq!(error.to_string(), "the process was killed by SIGTERM");
    assert_eq!(child.exit_status().map(ExitStatus::code), Some(-15));

    let child = spawn(sleep, ())?;
    child.kill()?;
    assert!(matches!(child.join(), Err(ProcessError::Signaled(9))));
    // Nobody is there any more: no error, and nobody else gets the signal.
    child.kill()?;
    child.terminate()?;
    Ok(())
}

#[test]
fn a_panic_is_told_with_its_place() -> Nothing {
    fn check(error: ProcessError, line: u32) {
        let text = error.to_string();
        let ProcessError::Panicked { message, location } = error else { panic!("{text}") };
        assert_eq!(message, "no 7");
        let place = location.unwrap();
        assert!(place.starts_with(&format!("{}:{line}:", file!())), "{place}");
        assert_eq!(text, format!("the process panicked at {place}: no 7"));
    }
    let line = line!() + 1;
    let child = spawn(|number: i32| -> () { panic!("no {number}") }, 7)?;
    check(child.join().unwrap_err(), line);
    assert_eq!(child.exit_status(), Some(ExitStatus::Exited(1)));
    alone(|()| {
        let line = line!() + 1;
        let child = Process::fork(|| -> () { panic!("no {}", 7) }).unwrap();
        check(child.join().unwrap_err(), line);
    });
    Ok(())
}

#[test]
fn a_second_join_is_an_error() -> Nothing {
    let child = spawn(|()| 1, ())?;
    assert_eq!(child.join()?, 1);
    let error = child.join().unwrap_err();
    assert!(matches!(error, ProcessError::AlreadyJoined), "{error}");
    assert!(matches!(child.try_join(), Some(Err(ProcessError::AlreadyJoined))));
    Ok(())
}

#[test]
fn a_join_that_timed_out_can_be_repeated() -> Nothing {
    let go = Shared::new(Event::new())?;
    let child = spawn(|go: Shared<Event>| (go.wait(), 5).1, go.clone())?;
    assert!(child.try_join().is_none());
    assert!(child.join_for(Duration::from_millis(5)).is_none());
    assert!(child.join_until(Instant::now()).is_none());
    go.set();
    let Some(Ok(5)) = child.join_for(LONG) else { panic!("it ends when told") };
    Ok(())
}

#[test]
fn shared_memory_is_handed_over_as_itself() -> Nothing {
    type Cell = Shared<Lock<u64>>;
    let (one, two) = (Shared::new(Lock::new(1))?, Shared::new(Lock::new(2))?);
    // The first comes twice.
    let child = spawn(
        |(one, again, two): (Cell, Cell, Cell)| {
            *one.lock().unwrap() += 10;
            *again.lock().unwrap() += 100;
            *two.lock().unwrap() += 1000;
        },
        (one.clone(), one.clone(), two.clone()),
    )?;
    child.join()?;
    assert_eq!((*one.lock().unwrap(), *two.lock().unwrap()), (111, 1002));
    Ok(())
}

#[test]
fn shared_memory_goes_no_other_way() -> Nothing {
    let shared = Shared::new(Lock::new(0u8))?;
    assert!(postcard::to_stdvec(&shared).is_err());
    assert!(postcard::from_bytes::<Shared<Lock<u8>>>(&[0]).is_err());
    let child = spawn(|()| Shared::new(Lock::new(0u8)).unwrap(), ())?;
    let error = child.join().unwrap_err();
    let ProcessError::Encode(cause) = error else { panic!("{error}") };
    assert!(cause.to_string().contains("as an argument of Process::spawn"), "{cause}");
    Ok(())
}

#[test]
fn what_cannot_be_read_or_sent_is_told() -> Nothing {
    /// Serialises, but never deserialises.
    struct OneWay;
    impl serde::Serialize for OneWay {
        fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
            to.serialize_unit()
        }
    }
    impl<'de> serde::Deserialize<'de> for OneWay {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Err(serde::de::Error::custom("never"))
        }
    }
    /// The other way round.
    struct NoWay;
    impl serde::Serialize for NoWay {
        fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
            Err(serde::ser::Error::custom("never"))
        }
    }
    impl<'de> serde::Deserialize<'de> for NoWay {
        fn deserialize<D: serde::Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
            Ok(NoWay)
        }
    }
    let child = spawn(|_: OneWay| (), OneWay)?;
    assert!(matches!(child.join(), Err(ProcessError::Argument(_))));
    let child = spawn(|()| OneWay, ())?;
    assert!(matches!(child.join(), Err(ProcessError::Decode(_))));
    let child = spawn(|()| NoWay, ())?;
    assert!(matches!(child.join(), Err(ProcessError::Encode(_))));
    assert!(matches!(spawn(|_: NoWay| (), NoWay), Err(Error::Argument(_))));
    Ok(())
}

#[test]
fn arguments_and_results_may_be_large() -> Nothing {
    const LARGE: usize = 10 << 20;
    let child = spawn(|text: String| text + "!", "x".repeat(LARGE))?;
    assert_eq!(child.join()?.len(), LARGE + 1);
    alone(|()| {
        let child = Process::fork(|| "x".repeat(LARGE)).unwrap();
        assert_eq!(child.join().unwrap().len(), LARGE);
    });
    Ok(())
}

#[test]
fn names_are_pythons() -> Nothing {
    alone(|()| {
        let name = || process::current().name().to_owned();
        assert_eq!(Process::fork(name).unwrap().name(), format!("{}:1", name()));
        let levi = builder().name("Levi").fork(name).unwrap();
        assert_eq!((levi.name(), levi.join().unwrap().as_str()), ("Levi", "Levi"));
        // Every child counts, also one that has a name of its own.
        let third = Process::fork(name).unwrap();
        assert_eq!(third.join().unwrap(), format!("{}:3", name()));
    });
    assert_eq!(process::current().name(), "MainProcess");
    Ok(())
}

#[test]
fn a_type_of_ones_own_runs() {
    struct Clock(u32);
    impl Run for Clock {
        type Output = Vec<u32>;
        fn run(self) -> Vec<u32> {
            (0..self.0).collect()
        }
    }
    alone(|()| {
        assert_eq!(Process::start(Clock(3)).unwrap().join().unwrap(), [0, 1, 2]);
        let clock = builder().name("clock").start(Clock(1)).unwrap();
        assert_eq!(clock.join().unwrap(), [0]);
    });
}

#[test]
fn only_the_parent_joins() {
    alone(|()| {
        let first = Process::fork(|| ()).unwrap();
        let second = Process::fork(|| first.join().unwrap_err().to_string()).unwrap();
        assert_eq!(second.join().unwrap(), "only the parent of a process can join it");
        first.join().unwrap();
    });
}

#[test]
fn a_child_has_none_of_its_parents_children() {
    alone(|()| {
        let sleeper = Process::fork(for_ever).unwrap();
        // It would wait for the sleeper at its end, if that were its child.
        Process::fork(|| ()).unwrap().join().unwrap();
        assert!(sleeper.is_alive());
        sleeper.kill().unwrap();
    });
}

#[test]
fn where_children_are_ignored_none_is_started() {
    alone(|()| {
        use nix::sys::signal::{SigHandler, Signal, signal};
        // SAFETY: no handler of anybody's is replaced.
        let set = |handler| unsafe { signal(Signal::SIGCHLD, handler) }.unwrap();
        set(SigHandler::SigIgn);
        assert!(matches!(Process::fork(|| ()), Err(Error::ChildrenIgnored)));
        assert!(matches!(spawn(|()| (), ()), Err(Error::ChildrenIgnored)));
        set(SigHandler::SigDfl);
        Process::fork(|| ()).unwrap().join().unwrap();
    });
}

#[test]
fn a_status_that_others_took_is_missed_only_where_it_is_needed() {
    alone(|()| {
        let wait = |pid: u32| nix::sys::wait::waitpid(nix::unistd::Pid::from_raw(pid as i32), None);
        let child = Process::fork(|| 5).unwrap();
        wait(child.pid()).unwrap();
        assert_eq!(child.join().unwrap(), 5);
        assert_eq!(child.exit_status(), None);
        let child: Process<()> = Process::fork(|| process::exit(1)).unwrap();
        wait(child.pid()).unwrap();
        assert!(matches!(child.join(), Err(ProcessError::StatusTaken)));
    });
}
