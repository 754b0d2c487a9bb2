//! Owners of a lock that no longer exist although their process lives, and owners that are only stopped.
//!
//! `cargo test` stops 12 owners for a second; a hundred for three seconds:
//!
//! ```text
//! MULTIPROC_STOPPED=100 cargo test --test owners
//! ```
#![cfg(not(modelled))]

#[path = "owners/lent.rs"]
mod lent;
#[path = "support/until.rs"]
mod until;

use std::cell::Cell;
use std::fs;
use std::io::{self, Write};
use std::mem;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use multiproc::{Condition, Event, Lock, PoisonCause, Process, Shared, SharedArray, TryLockError};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, gettid};
use until::until;

const LONG: Duration = Duration::from_secs(60);

/// More locks than the kernel processes when their owner ends (2048).
const MANY: usize = 2050;

type Locks = Shared<[Lock<u32>; MANY]>;
/// The locks, and how many of them to lock.
type Work = (Locks, usize);

/// Locks so many of them, and leaks the guards.
fn take((locks, count): &Work) {
    locks[..*count].iter().for_each(|lock| mem::forget(lock.lock().unwrap()));
}

/// Executes another program, which runs until it is killed.
fn exec_another() {
    panic!("no other program: {}", Command::new("sleep").arg("infinity").exec());
}

fn is_another(process: &Process<()>) -> bool {
    let program = fs::read_link(format!("/proc/{}/exe", process.pid()));
    program.is_ok_and(|program| program != std::env::current_exe().unwrap())
}

/// Starts a process, which ends with the test.
fn start<A: serde::Serialize + serde::de::DeserializeOwned>(
    work: fn(A),
    argument: A,
) -> Process<()> {
    Process::builder().daemon(true).spawn(work, argument).unwrap()
}

/// Locks that were held at an exec have no owner, although the process lives.
fn are_free_after_an_exec(counts: &[usize], work: fn(Work)) {
    for &count in counts {
        let locks = Shared::new([const { Lock::new(0) }; MANY]).unwrap();
        let owner = start(work, (locks.clone(), count));
        until("the other program", || is_another(&owner));
        for i in [0, 1.min(count - 1), count / 2, count - 1] {
            assert_eq!(poison_cause(&locks[i]), Some(PoisonCause::OwnerDied), "{i} of {count}");
        }
        assert!(owner.is_alive());
        owner.kill().unwrap();
    }
}

/// Why the lock is poisoned for the next owner, or `None` if it is not.
fn poison_cause(lock: &Lock<u32>) -> Option<PoisonCause> {
    match lock.lock_for(LONG) {
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.cause()),
        _ => None,
    }
}

#[test]
fn an_exec_from_the_main_thread_leaves_no_lock_locked() {
    are_free_after_an_exec(&[1, 40, MANY], |work| {
        take(&work);
        exec_another();
    });
}

#[test]
fn an_exec_from_another_thread_leaves_no_lock_locked() {
    are_free_after_an_exec(&[1, 40, MANY], |work| {
        let exec = move || {
            take(&work);
            exec_another();
        };
        thread::spawn(exec).join().unwrap();
    });
}

#[test]
fn an_exec_leaves_no_lock_locked_that_was_left_to_the_process() {
    are_free_after_an_exec(&[1, 40], |work| {
        thread::spawn(move || take(&work)).join().unwrap();
        exec_another();
    });
}

/// No process is left that would find the lock without an owner: all wait for the condition.
#[test]
fn an_exec_is_reported_to_a_waiter_of_a_condition() {
    type Fixture = Shared<(Lock<u32>, Condition, Event)>;
    let fixture: Fixture = Shared::new((Lock::new(0), Condition::new(), Event::new())).unwrap();
    let waits = fixture.clone();
    let waiter = thread::spawn(move || {
        let guard = waits.0.lock().unwrap();
        waits.2.set();
        waits.1.wait(guard).map_err(|poisoned| poisoned.cause()).err()
    });
    fixture.2.wait();
    let owner = start(
        |fixture: Fixture| {
            // By a thread that has ended: the kernel reports nothing at the exec.
            thread::spawn(move || mem::forget(fixture.0.lock().unwrap())).join().unwrap();
            exec_another();
        },
        fixture,
    );
    assert_eq!(waiter.join().unwrap(), Some(PoisonCause::OwnerDied));
    owner.kill().unwrap();
}

/// A process that got the id of an owner that no longer exists is not taken for the owner.
#[test]
fn an_id_that_is_used_again_is_no_owner() {
    let locks = Shared::new([const { Lock::new(0) }; MANY]).unwrap();
    let number = SharedArray::new(&[0u32]).unwrap();
    // The kernel does not report this owner: after the exec it compares with another id.
    let owner = start(
        |(number, work): (SharedArray<u32>, Work)| {
            let exec = move || {
                take(&work);
                number.set(0, gettid().as_raw() as u32).unwrap();
                exec_another();
            };
            thread::spawn(exec).join().unwrap();
        },
        (number.clone(), (locks.clone(), 1)),
    );
    until("the other program", || is_another(&owner));
    let Some(stranger) = Stranger::with_id(number.get(0).unwrap()) else {
        say("SKIPPED: no id was used again: the system does not let a process choose one\n");
        return;
    };
    assert_eq!(poison_cause(&locks[0]), Some(PoisonCause::OwnerDied));
    assert!(kill(stranger.0, None).is_ok());
}

/// A process that has unmapped a lock does not hold it, dead or alive.
#[test]
fn an_owner_that_has_unmapped_the_lock_no_longer_holds_it() {
    for is_killed in [false, true] {
        let locks = Shared::new([const { Lock::new(0) }; MANY]).unwrap();
        let told = Shared::new(Event::new()).unwrap();
        let owner = start(
            |(work, told): (Work, Shared<Event>)| {
                take(&work);
                unmap(&work.0);
                told.set();
                Event::new().wait();
            },
            ((locks.clone(), 1), told.clone()),
        );
        told.wait();
        if is_killed {
            owner.kill().unwrap();
            owner.join().unwrap_err();
        }
        assert_eq!(poison_cause(&locks[0]), Some(PoisonCause::OwnerDied));
        owner.kill().unwrap();
    }
}

/// Unmaps it without the library's knowledge.
fn unmap(locks: &Locks) {
    let page = (&raw const **locks).addr() & !0xfff;
    let bytes = size_of::<[Lock<u32>; MANY]>().next_multiple_of(0x1000);
    // SAFETY: its caller never uses the memory again.
    assert_eq!(unsafe { libc::munmap(page as *mut libc::c_void, bytes) }, 0);
}

/// What holds the lock in a process that will be stopped.
const HOLDERS: [fn(&Stopped); 3] = [
    |(shared, _)| hold(shared),
    |(shared, _)| thread::scope(|scope| drop(scope.spawn(|| hold(shared)))),
    // Its thread has ended: the lock belongs to the process.
    |(shared, _)| {
        let inside = shared.clone();
        thread::spawn(move || mem::forget(inside.0.lock().unwrap())).join().unwrap();
        shared.1.set();
        shared.2.wait();
    },
];

/// A lock, events that it is held and that it may be unlocked, and the index of its holder.
type Stopped = (Shared<(Lock<u32>, Event, Event)>, usize);

fn hold(shared: &Shared<(Lock<u32>, Event, Event)>) {
    let mut number = shared.0.lock().unwrap();
    shared.1.set();
    shared.2.wait();
    *number += 1;
}

fn is_stopped(process: &Process<()>) -> bool {
    let tasks = fs::read_dir(format!("/proc/{}/task", process.pid())).unwrap();
    tasks.flatten().all(|task| {
        let stat = fs::read_to_string(task.path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}

/// All at once: each has a waiter.
#[test]
fn a_stopped_owner_is_waited_for() {
    let (trials, timeout) = match std::env::var("MULTIPROC_STOPPED") {
        Ok(trials) => (trials.parse().unwrap(), Duration::from_secs(3)),
        Err(_) => (12, Duration::from_secs(1)),
    };
    let owners: Vec<(Process<()>, Stopped)> = (0..trials)
        .map(|trial| {
            let shared = Shared::new((Lock::new(0), Event::new(), Event::new())).unwrap();
            let stopped = (shared, trial % HOLDERS.len());
            (start(|stopped: Stopped| HOLDERS[stopped.1](&stopped), stopped.clone()), stopped)
        })
        .collect();
    for (owner, (shared, _)) in &owners {
        shared.1.wait();
        kill(Pid::from_raw(owner.pid() as i32), Signal::SIGSTOP).unwrap();
        until("the owner to stop", || is_stopped(owner));
    }
    thread::scope(|scope| {
        for (_, (shared, _)) in &owners {
            scope.spawn(move || {
                let waited = shared.0.lock_for(timeout);
                assert!(
                    matches!(waited, Err(TryLockError::WouldBlock)),
                    "a lock was taken from its owner"
                );
            });
        }
    });
    for (owner, (shared, holder)) in &owners {
        shared.2.set();
        kill(Pid::from_raw(owner.pid() as i32), Signal::SIGCONT).unwrap();
        let was_left = *holder == 2;
        match shared.0.lock_for(LONG) {
            Ok(number) => assert!(*number == 1 && !was_left),
            Err(TryLockError::Poisoned(_)) => assert!(was_left, "a living owner was reported dead"),
            Err(TryLockError::WouldBlock) => panic!("the lock stays locked"),
        }
        owner.join().unwrap();
    }
    say(&format!("{trials} stopped owners, waited for {timeout:?} each: none lost its lock\n"));
}

/// A process that is not one of the test's.
struct Stranger(Pid);

impl Stranger {
    /// `None` where it is not permitted to choose an id.
    fn with_id(id: u32) -> Option<Self> {
        let (program, argument) = (c"/bin/sleep".as_ptr(), c"infinity".as_ptr());
        let arguments = [program, argument, std::ptr::null()];
        let wanted = id as libc::pid_t;
        // SAFETY: all zero is a set of arguments.
        let mut clone: libc::clone_args = unsafe { mem::zeroed() };
        clone.exit_signal = libc::SIGCHLD as u64;
        clone.set_tid = (&raw const wanted).addr() as u64;
        clone.set_tid_size = 1;
        let size = size_of::<libc::clone_args>();
        let made = Cell::new(0);
        until("the id to be free", || {
            // SAFETY: without flags it forks; the child only calls the kernel.
            made.set(unsafe { libc::syscall(libc::SYS_clone3, &raw const clone, size) });
            if made.get() == 0 {
                // SAFETY: strings that end, and a list that does.
                unsafe {
                    libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
                    libc::execv(program, arguments.as_ptr());
                    libc::_exit(1)
                }
            }
            made.get() > 0 || io::Error::last_os_error().raw_os_error() != Some(libc::EEXIST)
        });
        (made.get() > 0).then(|| Stranger(Pid::from_raw(made.get() as libc::pid_t)))
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        kill(self.0, Signal::SIGKILL).unwrap();
        nix::sys::wait::waitpid(self.0, None).unwrap();
    }
}

/// Writes to standard error, past the harness, which captures what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}

/// The id of a private lock's owner is meaningless in another process.
#[test]
fn a_lock_moved_to_shared_memory_with_a_leaked_guard_belongs_to_its_process() {
    let name = format!("test-leaked-before-{}", std::process::id());
    let (made, opened) = (Shared::new(Event::new()).unwrap(), Shared::new(Event::new()).unwrap());
    let make = |(name, made, opened): (String, Shared<Event>, Shared<Event>)| {
        let lock = Lock::new(7u32);
        mem::forget(lock.lock().unwrap());
        let lock = Shared::create(&name, lock).unwrap();
        made.set();
        opened.wait();
        lock.try_lock().is_ok()
    };
    let maker = Process::spawn(make, (name.clone(), made.clone(), opened.clone())).unwrap();
    assert!(made.wait_for(LONG));
    let lock = Shared::<Lock<u32>>::open(&name);
    Shared::<Lock<u32>>::unlink(&name).unwrap();
    let lock = lock.unwrap();
    assert!(matches!(lock.try_lock(), Err(TryLockError::WouldBlock)));
    opened.set();
    assert!(!maker.join().unwrap(), "it stays locked as long as its process lives");
    let Err(TryLockError::Poisoned(ended)) = lock.lock_for(LONG) else {
        panic!("its process has ended")
    };
    assert_eq!(ended.cause(), PoisonCause::OwnerDied);
}
