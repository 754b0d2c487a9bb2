//! What a child may use, and what comes of using more.

use std::fs::File;
use std::hint::black_box;
use std::time::Duration;

use super::{builder, spawn};
use super::given::become_nobody;
use crate::{Nothing, alone};
use multiproc::process::Limits;
use multiproc::{Error, Event, Process, ProcessBuilder, ProcessError, Shared};
use nix::sys::signal::Signal;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

const MIB: u64 = 1 << 20;

fn limited(limits: Limits) -> ProcessBuilder {
    builder().limits(limits)
}

fn allocate(bytes: usize) -> usize {
    black_box(Vec::<u8>::with_capacity(bytes)).capacity()
}

#[test]
fn an_allocation_beyond_the_limit_is_told_as_such() -> Nothing {
    let much = |()| allocate(1 << 30);
    let builder = limited(Limits::new().memory(256 * MIB));
    let error = builder.clone().spawn(much, ())?.join().unwrap_err();
    assert!(matches!(error, ProcessError::OutOfMemory), "{error}");
    // In small pieces, and in a thread.
    let hoard = |()| -> usize {
        let hoard = || {
            let mut all = Vec::new();
            loop {
                all.push(black_box(vec![7u8; 1 << 16]));
            }
        };
        std::thread::spawn(hoard).join().unwrap()
    };
    let error = builder.spawn(hoard, ())?.join().unwrap_err();
    assert!(matches!(error, ProcessError::OutOfMemory), "{error}");
    Ok(())
}

#[test]
fn a_forked_child_is_told_of_as_well_and_its_children() {
    alone(|()| {
        let builder = limited(Limits::new().memory(512 * MIB));
        let nested = builder.clone();
        let child = builder.fork(move || {
            assert!(matches!(inner(nested), ProcessError::OutOfMemory));
            // It has the limit and the handler, but was not asked for.
            let plain = Process::fork(|| allocate(1 << 30)).unwrap().join().unwrap_err();
            assert!(matches!(plain, ProcessError::Signaled(libc::SIGABRT)), "{plain}");
            allocate(1 << 30)
        });
        let error = child.unwrap().join().unwrap_err();
        assert!(matches!(error, ProcessError::OutOfMemory), "{error}");

        fn inner(builder: ProcessBuilder) -> ProcessError {
            builder.fork(|| allocate(1 << 30)).unwrap().join().unwrap_err()
        }
    });
}

#[test]
fn another_abort_is_told_as_a_signal() -> Nothing {
    fn by_abort(_: ()) {
        std::process::abort()
    }
    fn by_another((): ()) {
        // SAFETY: a signal for this process itself.
        unsafe { libc::kill(libc::getpid(), libc::SIGABRT) };
    }
    fn with_own_handler((): ()) {
        extern "C" fn exit(_: i32) {
            // SAFETY: it ends the process.
            unsafe { libc::_exit(9) }
        }
        // SAFETY: the handler does what a handler may.
        unsafe { libc::signal(libc::SIGABRT, exit as extern "C" fn(i32) as usize) };
        allocate(1 << 30);
    }
    let builder = limited(Limits::new().memory(256 * MIB));
    for abort in [by_abort, by_another] {
        let error = builder.clone().spawn(abort, ())?.join().unwrap_err();
        assert!(matches!(error, ProcessError::Signaled(libc::SIGABRT)), "{error}");
    }
    let error = builder.spawn(with_own_handler, ())?.join().unwrap_err();
    assert!(matches!(error, ProcessError::Exited(9)), "{error}");
    // Without a limit nothing is looked for.
    let error = spawn(|()| allocate(1 << 62), ())?.join().unwrap_err();
    assert!(matches!(error, ProcessError::Signaled(libc::SIGABRT)), "{error}");
    Ok(())
}

#[test]
fn what_was_to_be_done_at_an_abort_before_is_done_still() {
    alone(|()| {
        extern "C" fn exit(_: i32) {
            // SAFETY: it ends the process.
            unsafe { libc::_exit(9) }
        }
        // SAFETY: the handler does what a handler may.
        unsafe { libc::signal(libc::SIGABRT, exit as extern "C" fn(i32) as usize) };
        let builder = limited(Limits::new().memory(256 * MIB));
        let abort = || -> () { std::process::abort() };
        let error = builder.fork(abort).unwrap().join().unwrap_err();
        assert!(matches!(error, ProcessError::Exited(9)), "{error}");
    });
}

#[test]
fn what_is_shared_does_not_count() -> Nothing {
    let shared = multiproc::SharedArray::new(&vec![7u8; 64 * MIB as usize])?;
    // Every page of it.
    let sum = |shared: multiproc::SharedArray<u8>| {
        (0..shared.len()).step_by(4096).map(|i| u64::from(shared.get(i).unwrap())).sum::<u64>()
    };
    let child = limited(Limits::new().memory(32 * MIB)).spawn(sum, shared.clone())?;
    assert_eq!(child.join()?, 7 * 64 * MIB / 4096);
    Ok(())
}

#[test]
fn a_child_that_uses_its_time_up_is_killed() -> Nothing {
    let burn = |()| {
        loop {
            black_box(0);
        }
    };
    let builder = limited(Limits::new().cpu_time(Duration::from_millis(10)).core(0));
    let child: Process<()> = builder.spawn(burn, ())?;
    let error = child.join().unwrap_err();
    assert!(matches!(error, ProcessError::Signaled(libc::SIGXCPU)), "{error}");
    assert_eq!(error.to_string(), "the process was killed by SIGXCPU");
    Ok(())
}

#[test]
fn a_child_that_ignores_that_its_time_is_up_is_killed_all_the_same() -> Nothing {
    let burn = |()| -> () {
        use nix::sys::signal::{SigHandler, signal};
        // SAFETY: no handler of anybody's is replaced.
        unsafe { signal(Signal::SIGXCPU, SigHandler::SigIgn) }.unwrap();
        loop {
            black_box(0);
        }
    };
    let child = limited(Limits::new().cpu_time(Duration::from_secs(1)).core(0)).spawn(burn, ())?;
    let error = child.join().unwrap_err();
    assert!(matches!(error, ProcessError::Signaled(libc::SIGKILL)), "{error}");
    Ok(())
}

#[test]
fn only_so_many_files_can_be_open() {
    alone(|()| {
        let open = |()| {
            let open = || File::open("/dev/null").ok();
            let files: Vec<_> = std::iter::from_fn(open).collect();
            (files.len(), File::open("/dev/null").unwrap_err().raw_os_error())
        };
        let builder = limited(Limits::new().open_files(20));
        let forked = builder.clone().fork(|| open(())).unwrap();
        for child in [builder.spawn(open, ()).unwrap(), forked] {
            let (files, error) = child.join().unwrap();
            assert!((5..18).contains(&files), "{files} beside the streams and what else there is");
            assert_eq!(error, Some(libc::EMFILE));
        }
    });
}

#[test]
fn a_child_cannot_raise_what_it_was_given() -> Nothing {
    let look = |()| {
        let of = |resource| {
            let Rlimit { current, maximum } = getrlimit(resource);
            (current, maximum)
        };
        [of(Resource::Data), of(Resource::Nofile), of(Resource::Core), of(Resource::Cpu)]
    };
    let day = Duration::from_secs(86_400);
    let limits = Limits::new().memory(1024 * MIB).open_files(99).core(0).cpu_time(day);
    let both = |value| (Some(value), Some(value));
    let expected = [both(1024 * MIB), both(99), both(0), (Some(86_400), Some(86_401))];
    assert_eq!(limited(limits).spawn(look, ())?.join()?, expected);
    Ok(())
}

#[test]
fn a_limit_above_the_hard_one_is_refused_before_anything_runs() {
    /// With a right that root has to raise it, and without.
    fn refuses((): ()) {
        let ran = Shared::new(Event::new()).unwrap();
        let start = |files| limited(Limits::new().open_files(files)).fork(|| ran.set());
        let refused = start(101).unwrap_err();
        assert!(
            matches!(refused, Error::LimitTooHigh { limit: "open files", asked: 101, most: 100 }),
            "{refused}"
        );
        assert!(!ran.is_set());
        start(100).unwrap().join().unwrap();
        assert!(ran.is_set());
    }
    alone(|()| {
        let hundred = Rlimit { current: Some(50), maximum: Some(100) };
        setrlimit(Resource::Nofile, hundred).unwrap();
        refuses(());
        let user = Process::fork(|| {
            if become_nobody() {
                refuses(());
            }
        });
        user.unwrap().join().unwrap();
    });
}
