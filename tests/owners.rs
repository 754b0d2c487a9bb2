//! Owners of a lock that are gone without having died, and owners that only seem to be gone.
//!
//! `cargo test` stops a few owners for a second; so many, for three seconds:
//!
//! ```text
//! MULTIPROC_STOPPED=100 cargo test --test owners
//! ```
#![cfg(not(modelled))]

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

/// More locks than the kernel looks at when their owner is gone (2048).
const MANY: usize = 2050;

type Locks = Shared<[Lock<u32>; MANY]>;
/// The locks, and how many of them to take.
type Work = (Locks, usize);

/// Takes so many locks, and keeps them.
fn take((locks, count): &Work) {
    locks[..*count].iter().for_each(|lock| mem::forget(lock.lock().unwrap()));
}

/// Goes on as another program, which runs until it is killed.
fn become_another() {
    panic!("no other program: {}", Command::new("sleep").arg("infinity").exec());
}

fn is_another(process: &Process<()>) -> bool {
    let program = fs::read_link(format!("/proc/{}/exe", process.pid()));
    program.is_ok_and(|program| program != std::env::current_exe().unwrap())
}

/// A process that does this, and ends with the test.
fn start<A: serde::Serialize + serde::de::DeserializeOwned>(
    work: fn(A),
    argument: A,
) -> Process<()> {
    Process::builder().daemon(true).spawn(work, argument).unwrap()
}

/// Locks that were held at an exec belong to nobody, though the process lives.
fn are_free_after_an_exec(counts: &[usize], work: fn(Work)) {
    for &count in counts {
        let locks = Shared::new([const { Lock::new(0) }; MANY]).unwrap();
        let owner = start(work, (locks.clone(), count));
        until("the other program", || is_another(&owner));
        for i in [0, 1.min(count - 1), count / 2, count - 1] {
            assert_eq!(dead(&locks[i]), Some(PoisonCause::OwnerDied), "{i} of {count}");
        }
        assert!(owner.is_alive());
        owner.kill().unwrap();
    }
}

/// What the next owner is told, or `None` when there is none.
fn dead(lock: &Lock<u32>) -> Option<PoisonCause> {
    match lock.lock_for(LONG) {
        Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.cause()),
        _ => None,
    }
}

#[test]
fn an_exec_from_the_main_thread_leaves_no_lock_locked() {
    are_free_after_an_exec(&[1, 40, MANY], |work| {
        take(&work);
        become_another();
    });
}

#[test]
fn an_exec_from_another_thread_leaves_no_lock_locked() {
    are_free_after_an_exec(&[1, 40, MANY], |work| {
        let exec = move || {
            take(&work);
            become_another();
        };
        thread::spawn(exec).join().unwrap();
    });
}

#[test]
fn an_exec_leaves_no_lock_locked_that_was_left_to_the_process() {
    are_free_after_an_exec(&[1, 40], |work| {
        thread::spawn(move || take(&work)).join().unwrap();
        become_another();
    });
}

/// Nobody is left to find the lock ownerless: all who could wait for the condition.
#[test]
fn an_exec_is_reported_to_who_waits_for_a_condition() {
    type Scene = Shared<(Lock<u32>, Condition, Event)>;
    let scene: Scene = Shared::new((Lock::new(0), Condition::new(), Event::new())).unwrap();
    let waits = scene.clone();
    let waiter = thread::spawn(move || {
        let guard = waits.0.lock().unwrap();
        waits.2.set();
        waits.1.wait(guard).map_err(|poisoned| poisoned.cause()).err()
    });
    scene.2.wait();
    let owner = start(
        |scene: Scene| {
            // Left to the process: the kernel reports nothing at the exec.
            thread::spawn(move || mem::forget(scene.0.lock().unwrap())).join().unwrap();
            become_another();
        },
        scene,
    );
    assert_eq!(waiter.join().unwrap(), Some(PoisonCause::OwnerDied));
    owner.kill().unwrap();
}

/// Nobody waits for a stranger that has got the number of an owner who is gone.
#[test]
fn a_number_that_is_used_again_is_no_owner() {
    let locks = Shared::new([const { Lock::new(0) }; MANY]).unwrap();
    let number = SharedArray::new(&[0u32]).unwrap();
    // The kernel does not report this owner: it looks for locks with the number after the exec.
    let owner = start(
        |(number, work): (SharedArray<u32>, Work)| {
            let exec = move || {
                take(&work);
                number.set(0, gettid().as_raw() as u32).unwrap();
                become_another();
            };
            thread::spawn(exec).join().unwrap();
        },
        (number.clone(), (locks.clone(), 1)),
    );
    until("the other program", || is_another(&owner));
    let Some(stranger) = Stranger::with_number(number.get(0).unwrap()) else {
        say("A NUMBER WAS NOT USED AGAIN: the system lets nobody choose one\n");
        return;
    };
    assert_eq!(dead(&locks[0]), Some(PoisonCause::OwnerDied));
    assert!(kill(stranger.0, None).is_ok());
}

/// Whoever has unmapped a lock cannot hold it, dead or alive.
#[test]
fn an_owner_that_has_unmapped_the_lock_holds_it_no_more() {
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
        assert_eq!(dead(&locks[0]), Some(PoisonCause::OwnerDied));
        owner.kill().unwrap();
    }
}

/// Unmaps it behind the back of all who use it.
fn unmap(locks: &Locks) {
    let page = (&raw const **locks).addr() & !0xfff;
    let bytes = size_of::<[Lock<u32>; MANY]>().next_multiple_of(0x1000);
    // SAFETY: its caller never uses the memory again.
    assert_eq!(unsafe { libc::munmap(page as *mut libc::c_void, bytes) }, 0);
}

/// Who holds the lock of one that will be stopped.
const HOLDERS: [fn(&Stopped); 3] = [
    |(shared, _)| hold(shared),
    |(shared, _)| thread::scope(|scope| drop(scope.spawn(|| hold(shared)))),
    // Its thread is gone: the lock is the process's.
    |(shared, _)| {
        let inside = shared.clone();
        thread::spawn(move || mem::forget(inside.0.lock().unwrap())).join().unwrap();
        shared.1.set();
        shared.2.wait();
    },
];

/// A lock, that it is held, and that it may be let go; and who holds it.
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

/// All at once: each waits for one of its own.
#[test]
fn a_stopped_owner_is_waited_for() {
    let (trials, patience) = match std::env::var("MULTIPROC_STOPPED") {
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
                let waited = shared.0.lock_for(patience);
                assert!(matches!(waited, Err(TryLockError::WouldBlock)), "an owner was robbed");
            });
        }
    });
    for (owner, (shared, holder)) in &owners {
        shared.2.set();
        kill(Pid::from_raw(owner.pid() as i32), Signal::SIGCONT).unwrap();
        let was_left = *holder == 2;
        match shared.0.lock_for(LONG) {
            Ok(number) => assert!(*number == 1 && !was_left),
            Err(TryLockError::Poisoned(_)) => assert!(was_left, "an owner was called dead"),
            Err(TryLockError::WouldBlock) => panic!("the lock stays locked"),
        }
        owner.join().unwrap();
    }
    say(&format!("{trials} stopped owners, waited for {patience:?} each: none robbed\n"));
}

/// A process that knows nothing of the others.
struct Stranger(Pid);

impl Stranger {
    /// `None` where it is not permitted to choose a number.
    fn with_number(number: u32) -> Option<Self> {
        let (program, argument) = (c"/bin/sleep".as_ptr(), c"infinity".as_ptr());
        let arguments = [program, argument, std::ptr::null()];
        let wanted = number as libc::pid_t;
        // SAFETY: all zero is a set of arguments.
        let mut clone: libc::clone_args = unsafe { mem::zeroed() };
        clone.exit_signal = libc::SIGCHLD as u64;
        clone.set_tid = (&raw const wanted).addr() as u64;
        clone.set_tid_size = 1;
        let size = size_of::<libc::clone_args>();
        let made = Cell::new(0);
        until("the number to be free", || {
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

/// Past the harness, which keeps what the macros print.
fn say(text: &str) {
    io::stderr().write_all(text.as_bytes()).unwrap();
}

/// The number of a private lock's owner means nothing to another process.
#[test]
fn a_lock_that_came_to_shared_memory_with_a_leaked_guard_is_its_processes() {
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
    assert!(!maker.join().unwrap(), "it stays locked as long as its process is there");
    let Err(TryLockError::Poisoned(ended)) = lock.lock_for(LONG) else {
        panic!("its process has ended")
    };
    assert_eq!(ended.cause(), PoisonCause::OwnerDied);
}
