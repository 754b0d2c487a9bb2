//! What the system may lack or deny, and what there is without it.

use std::ffi::CStr;
use std::fs;
use std::io;
use std::ptr::null;
use std::sync::OnceLock;
use std::thread::JoinHandle;

use multiproc::{
    Error, Lock, NameProblem, Pool, Process, ProcessError, Queue, RLock, Shared, SharedArray,
    duplex, pipe,
};

use crate::Named;
use crate::alone::alone;
use crate::chain::chain;
use crate::logger::Logger;

/// Have this process and its children get `errno` from each of these calls; with a second number, only
/// from those whose second argument that is.
fn deny(calls: &[(libc::c_long, Option<libc::c_int>)], errno: i32) {
    let load = |offset| unconditional(libc::BPF_LD | libc::BPF_W | libc::BPF_ABS, offset);
    let unless = |value: u32, skip: u8| libc::sock_filter {
        code: (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16,
        jt: 0,
        jf: skip,
        k: value,
    };
    let end = |with| unconditional(libc::BPF_RET | libc::BPF_K, with);
    let mut program = Vec::new();
    for &(number, argument) in calls {
        // The number is the first word of what a filter sees, the second argument the seventh.
        program.push(load(0));
        match argument {
            None => program.push(unless(number as u32, 1)),
            Some(argument) => {
                program.extend([unless(number as u32, 3), load(24), unless(argument as u32, 1)]);
            }
        }
        program.push(end(libc::SECCOMP_RET_ERRNO | errno as u32));
    }
    program.push(end(libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the program is there, and of that length.
    let set = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
            | libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &raw const program)
    };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
}

fn unconditional(code: u32, k: u32) -> libc::sock_filter {
    libc::sock_filter { code: code as u16, jt: 0, jf: 0, k }
}

/// Everything that needs memory but no name.
fn all_but_names() {
    let array = SharedArray::<u64>::zeroed(100_000).unwrap();
    let sum = Shared::new(Lock::new(1u64)).unwrap();
    let queue = Queue::bounded(4).unwrap();
    queue.put(20).unwrap();
    let add = |(array, sum, queue): (SharedArray<u64>, Shared<Lock<u64>>, Queue<u64>)| {
        array.set(99_999, 300).unwrap();
        *sum.lock().unwrap() += queue.get().unwrap();
        vec![4u8; 300_000]
    };
    let spawned = Process::spawn(add, (array.clone(), sum.clone(), queue)).unwrap();
    assert_eq!(spawned.join().unwrap(), [4; 300_000]);
    let forked = {
        let sum = sum.clone();
        Process::fork(move || *sum.lock().unwrap() += 5).unwrap()
    };
    forked.join().unwrap();
    assert_eq!((*sum.lock().unwrap(), array.get(99_999)), (26, Ok(300)));
    let (receiver, sender) = pipe::<Vec<u8>>().unwrap();
    sender.send(vec![6; 300_000]).unwrap();
    assert_eq!(receiver.recv().unwrap(), [6; 300_000]);
    let (one, other) = duplex::<u8, u8>().unwrap();
    one.send(7).unwrap();
    assert_eq!(other.recv().unwrap(), 7);
    let pool = Pool::new(2).unwrap();
    assert_eq!(pool.map(|n: u64| n * n, 0..4).unwrap(), [0, 1, 4, 9]);
}

fn names(what: &str) {
    let name = Named::new(what);
    let made = Shared::create(&name.0, RLock::new(7u64)).unwrap();
    let add = |name: String| *Shared::<RLock<u64>>::open(&name).unwrap().lock().unwrap() + 1;
    assert_eq!(Process::spawn(add, name.0.clone()).unwrap().join().unwrap(), 8);
    assert_eq!(*made.lock().unwrap(), 7);
}

#[test]
fn without_seals_everything_works_and_the_log_says_so_once() {
    /// How often the log was told that nothing can be sealed.
    static TOLD: Lock<usize> = Lock::new(0);
    alone(|()| {
        Logger::set(log::LevelFilter::Warn, |record| {
            let says_so = record.args().to_string().contains("F_ADD_SEALS");
            *TOLD.lock().unwrap() += usize::from(says_so);
        });
        drop(Shared::new(1u64).unwrap());
        assert_eq!(*TOLD.lock().unwrap(), 0);
        deny(&[(libc::SYS_fcntl, Some(libc::F_ADD_SEALS))], libc::EPERM);
        all_but_names();
        names("seals");
        assert_eq!(*TOLD.lock().unwrap(), 1);
    });
}

#[test]
fn what_a_logger_does_that_is_told_of_lost_robust_lists_a_fork_sees() {
    static THREAD: OnceLock<JoinHandle<()>> = OnceLock::new();
    alone(|()| {
        Logger::set(log::LevelFilter::Warn, |_| {
            THREAD.get_or_init(|| std::thread::spawn(std::thread::park));
        });
        deny(&[(libc::SYS_get_robust_list, None)], libc::ENOSYS);
        let forked = Process::fork(|| ());
        assert!(matches!(forked, Err(Error::MultiThreaded { threads: 2 })), "{forked:?}");
        assert!(THREAD.get().is_some(), "it was told");
    });
}

#[test]
fn without_fallocate_everything_works_and_has_its_memory() {
    alone(|()| {
        deny(&[(libc::SYS_fallocate, None)], libc::ENOSYS);
        // A child refuses what has no memory for all its bytes.
        all_but_names();
        names("fallocate");
    });
}

/// Files in /dev/shm stand in for them.
#[test]
fn without_memfds_everything_works() {
    alone(|()| {
        deny(&[(libc::SYS_memfd_create, None)], libc::EPERM);
        all_but_names();
        names("memfd");
    });
}

#[test]
fn without_random_numbers_everything_works() {
    alone(|()| {
        deny(&[(libc::SYS_getrandom, None)], libc::ENOSYS);
        all_but_names();
        names("getrandom");
    });
}

/// A /proc of which nobody tells whether it is the kernel's is as good as none.
#[test]
fn without_a_look_at_the_file_system_an_error_says_so() {
    alone(|()| {
        deny(&[(libc::SYS_fstatfs, None)], libc::ENOSYS);
        let error = chain(&Shared::new(1u64).unwrap_err());
        assert!(error.contains("/proc") && error.contains("fstatfs"), "{error}");
    });
}

#[test]
fn what_cannot_be_done_without_is_named() {
    const NAMED: i32 = 42;
    // The child cannot leave an outcome without the call either.
    let make = |()| {
        deny(&[(libc::SYS_ftruncate, None)], libc::EPERM);
        let error = Shared::new(1u64).unwrap_err();
        let named = matches!(&error, Error::Os { call: "ftruncate", .. });
        if named {
            multiproc::process::exit(NAMED);
        }
    };
    let child = Process::spawn(make, ()).unwrap();
    assert!(matches!(child.join(), Err(ProcessError::Exited(NAMED))));
}

/// A process in which an empty folder that nobody can write to stands over `place`; `false` where that
/// is not allowed.
fn hide(place: &CStr) -> bool {
    // SAFETY: plain calls with strings; all that they change is this process's.
    let hidden = unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(null(), c"/".as_ptr(), null(), libc::MS_REC | libc::MS_PRIVATE, null())
                == 0
            && libc::mount(
                c"none".as_ptr(),
                place.as_ptr(),
                c"tmpfs".as_ptr(),
                libc::MS_RDONLY,
                null(),
            ) == 0
    };
    if !hidden {
        eprintln!("SKIPPED: {place:?} cannot be hidden here: {}", io::Error::last_os_error());
    }
    hidden
}

#[test]
fn without_dev_shm_all_but_names_works() {
    alone(|()| {
        if !hide(c"/dev/shm") {
            return;
        }
        assert_eq!(fs::read_dir("/dev/shm").unwrap().count(), 0);
        all_but_names();
        let error = Shared::create("nowhere", 1u64).unwrap_err();
        assert!(error.to_string().contains("/dev/shm"), "{error}");
        let problem = |error| match error {
            Error::Name { problem, .. } => problem,
            other => panic!("{other}"),
        };
        let opened = problem(Shared::<u64>::open("nowhere").unwrap_err());
        assert!(matches!(opened, NameProblem::NotFound), "{opened}");
        // With no memfds either there is nowhere to put anything.
        deny(&[(libc::SYS_memfd_create, None)], libc::EPERM);
        let error = Shared::new(1u64).unwrap_err();
        assert!(matches!(error, Error::Os { call: "memfd_create", .. }), "{error}");
    });
}

#[test]
fn without_proc_an_error_says_so() {
    alone(|()| {
        if !hide(c"/proc") {
            return;
        }
        let error = Shared::new(1u64).unwrap_err();
        assert!(error.to_string().contains("/proc"), "{error}");
    });
}

#[test]
fn without_a_descriptor_a_name_is_not_unlinked_and_stays() {
    alone(|()| {
        let name = Named::new("descriptors");
        let made = Shared::create(&name.0, 7u64).unwrap();
        let mut all = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
        // SAFETY: there is room for a limit.
        assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &mut all) }, 0);
        let none = libc::rlimit { rlim_cur: 0, ..all };
        // SAFETY: the limit is there.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &none) }, 0);
        let refused = Shared::<u64>::unlink(&name.0).unwrap_err();
        // SAFETY: as above.
        assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &all) }, 0);
        let Error::Name { problem: NameProblem::Os { call: "open", source }, .. } = refused else {
            panic!("{refused}")
        };
        assert_eq!(source.raw_os_error(), Some(libc::EMFILE));
        assert_eq!(*Shared::<u64>::open(&name.0).unwrap(), *made);
        Shared::<u64>::unlink(&name.0).unwrap();
    });
}
