//! What a peer can do to a word on which others wait.

use std::cell::Cell;
use std::ptr::null;
use std::time::{Duration, Instant};

use multiproc::{Event, Lock, ProcessSafe, RLock, Semaphore, Shared};

use crate::{TIMEOUT, ended, start};

const SHORT: Duration = Duration::from_millis(1);

/// Each primitive begins with its word.
#[derive(ProcessSafe)]
#[repr(C)]
struct Words {
    lock: Lock<u32>,
    event: Event,
    semaphore: Semaphore,
}

/// The value of each word with a waiter, and nothing else.
const ASLEEP: [u32; 3] = [1 << 31, 1 << 1, 1];

/// The words, as a peer sees them.
fn raw(words: &Words) -> [*mut u32; 3] {
    fn raw<T>(primitive: &T) -> *mut u32 {
        std::ptr::from_ref(primitive).cast_mut().cast()
    }
    [raw(&words.lock), raw(&words.event), raw(&words.semaphore)]
}

/// The kernel's result, negated if it is an error.
fn futex(word: *mut u32, operation: i32, value: u32) -> i64 {
    let mut other = 0u32;
    let forever = null::<libc::timespec>();
    // SAFETY: both words are mapped, and the kernel takes them as numbers.
    match unsafe {
        libc::syscall(libc::SYS_futex, word, operation, value, forever, &raw mut other, 0)
    } {
        -1 => -i64::from(std::io::Error::last_os_error().raw_os_error().unwrap_or(0)),
        woken => woken,
    }
}

/// Sleeps on a word as a waiter of a priority-inheriting lock does.
fn wait_for_priority_inheritance((words, place): (Shared<Words>, usize)) {
    let word = raw(&words)[place];
    // SAFETY: mapped, and a number.
    unsafe { word.write_volatile(ASLEEP[place]) };
    let ended = futex(word, libc::FUTEX_WAIT_REQUEUE_PI, ASLEEP[place]);
    panic!("it was to sleep until it is killed, and has ended with {ended}");
}

/// The kernel refuses to wake such a waiter, which must not become a panic of the process that wakes.
#[test]
fn a_waiter_of_another_kind_disturbs_no_wake() {
    let wakes: [fn(Shared<Words>) -> bool; 3] = [
        |words| words.lock.lock_for(SHORT).is_ok(),
        |words| {
            words.event.set();
            words.event.is_set()
        },
        |words| words.semaphore.release(3).is_ok() && words.semaphore.value() == 3,
    ];
    for (place, wake) in wakes.into_iter().enumerate() {
        let (lock, event, semaphore) = (Lock::new(0), Event::new(), Semaphore::new(0));
        let words = Shared::new(Words { lock, event, semaphore }).unwrap();
        let peer = start(wait_for_priority_inheritance, (words.clone(), place));
        let deadline = Instant::now() + TIMEOUT;
        while futex(raw(&words)[place], libc::FUTEX_WAKE, 1) != -i64::from(libc::EINVAL) {
            assert!(peer.is_alive() && Instant::now() < deadline, "it does not sleep");
            std::thread::yield_now();
        }
        assert!(ended(&start(wake, words.clone())).unwrap());
        assert!(!words.lock.is_locked());
        peer.kill().unwrap();
    }
}

/// An owner that can no longer count its guards keeps the lock, as a peer can make it keep any lock.
#[test]
fn a_full_count_of_guards_is_no_panic() {
    let lock = Shared::new(RLock::new(Cell::new(0))).unwrap();
    let count = std::ptr::from_ref(&*lock).cast_mut().cast::<u32>();
    let write = |value| {
        // SAFETY: within the mapping, and a number: the count lies behind what a lock has.
        unsafe { count.byte_add(size_of::<Lock<()>>()).write_volatile(value) };
    };
    let guard = lock.lock().unwrap();
    write(u32::MAX);
    let guards = [guard, lock.lock().unwrap(), lock.try_lock().unwrap()];
    drop(guards);
    assert!(lock.is_locked());
    write(0);
    drop(lock.lock().unwrap());
    assert!(!lock.is_locked());
}
