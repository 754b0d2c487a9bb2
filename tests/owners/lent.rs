//! Owners that die before those to whom they have lent what is guarded.

use std::fs::{self, File};
use std::io::{Read, Seek};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use multiproc::{Event, Lock, PoisonCause, Shared, TryLockError};
use nix::sys::memfd::{MFdFlags, memfd_create};

use crate::until::until;
use crate::{LONG, exec_another, is_another, poison_cause, start};

/// What is guarded, read into by as many threads as it has parts; that this is so; and that it may end.
type Lent = Shared<(Lock<[[u8; PART]; PARTS]>, Event, Event)>;

const PARTS: usize = 16;
const PART: usize = 1 << 17;

/// How a process ends with a lock, when told by its parent.
const ENDS: [fn(); 3] = [|| Event::new().wait(), || std::process::exit(0), exec_another];

/// One thread holds the lock, others are in system calls that write what it has lent them, and another
/// ends the process.
fn lend((fixture, end): (Lent, usize)) {
    let zeros = File::from(memfd_create("zeros", MFdFlags::MFD_CLOEXEC).unwrap());
    zeros.set_len(PART as u64).unwrap();
    let zeros = format!("/proc/self/fd/{}", zeros.as_raw_fd());
    let fill = |part: &mut [u8; PART]| {
        let mut file = File::open(&zeros).unwrap();
        loop {
            file.rewind().unwrap();
            assert_eq!(file.read(part).unwrap(), PART);
            fixture.1.set();
        }
    };
    let fill = &fill;
    thread::scope(|outer| {
        outer.spawn(|| {
            let mut parts = fixture.0.lock().unwrap();
            thread::scope(|inner| {
                parts.iter_mut().for_each(|part| drop(inner.spawn(move || fill(part))));
            });
        });
        fixture.2.wait();
        ENDS[end]();
    });
}

/// Whoever gets the lock of a process that ends, or goes on as another program, has it alone: its owner is
/// dead before the threads to which it has lent what is guarded.
#[test]
fn a_lock_of_a_process_that_ends_waits_for_all_its_threads() {
    // The value passes through the stack.
    let test = || {
        for end in [0, 1, 2].repeat(4) {
            let value = Lock::new([[0; PART]; PARTS]);
            let fixture: Lent = Shared::new((value, Event::new(), Event::new())).unwrap();
            let owner = start(lend, (fixture.clone(), end));
            fixture.1.wait();
            assert!(matches!(fixture.0.try_lock(), Err(TryLockError::WouldBlock)));
            fixture.2.set();
            if end == 0 {
                owner.kill().unwrap();
            }
            let Err(TryLockError::Poisoned(locked)) = fixture.0.lock_for(LONG) else {
                panic!("nobody is left who has it")
            };
            let goes_on = owner.is_alive();
            assert_eq!(locked.cause(), PoisonCause::OwnerDied);
            assert!(!goes_on || end == 2 && is_another(&owner), "after {end}");
            let mut parts = locked.into_inner();
            parts.iter_mut().for_each(|part| part.fill(1));
            assert!(parts.iter().flatten().all(|&byte| byte == 1));
            owner.kill().unwrap();
        }
    };
    thread::Builder::new().stack_size(256 << 20).spawn(test).unwrap().join().unwrap();
}

/// The process is no more than a zombie's number to its parent, and goes on all the same.
#[test]
fn a_lock_of_a_first_thread_that_has_ended_waits_for_the_others() {
    let fixture = Shared::new((Lock::new(0u32), Event::new())).unwrap();
    let lends = |fixture: Shared<(Lock<u32>, Event)>| {
        let mut guard = fixture.0.lock().unwrap();
        let number: &mut u32 = &mut guard;
        thread::scope(|scope| {
            scope.spawn(|| {
                until("the first thread to end", || state(std::process::id()) == Some('Z'));
                fixture.1.set();
                loop {
                    *number = number.wrapping_add(1);
                }
            });
            // SAFETY: it ends this thread alone; its stack stays as long as the process.
            unsafe { libc::syscall(libc::SYS_exit, 0) };
        });
    };
    let owner = start(lends, fixture.clone());
    assert!(fixture.1.wait_for(LONG));
    assert!(matches!(fixture.0.try_lock(), Err(TryLockError::WouldBlock)));
    // Longer than a waiter takes to find an owner dead.
    let waited = fixture.0.lock_for(Duration::from_millis(250));
    assert!(matches!(waited, Err(TryLockError::WouldBlock)));
    assert!(fixture.0.is_locked());
    owner.kill().unwrap();
    assert_eq!(poison_cause(&fixture.0), Some(PoisonCause::OwnerDied));
    assert!(!owner.is_alive());
}

/// The letter of a process's first thread.
fn state(process: u32) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
