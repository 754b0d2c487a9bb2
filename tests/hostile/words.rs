//! What a peer can do to a word that others wait on.

use std::cell::Cell;
use std::ptr::null;
use std::time::{Duration, Instant};

use multiproc::{Event, Lock, ProcessSafe, RLock, Semaphore, Shared};

use crate::{EVER, ended, start};

const SHORT: Duration = Duration::from_millis(1);

/// Each begins with its word.
#[derive(ProcessSafe)]
#[repr(C)]
struct Words {
    lock: Lock<u32>,
    event: Event,
    semaphore: Semaphore,
}

/// What each word says when somebody sleeps there, and nothing else.
const ASLEEP: [u32; 3] = [1 << 31, 1 << 1, 1];

/// The words, as a peer sees them.
fn raw(words: &Words) -> [*mut u32; 3] {
    fn raw<T>(primitive: &T) -> *mut u32 {
        std::ptr::from_ref(primitive).cast_mut().cast()
    }
    [raw(&words.lock), raw(&words.event), raw(&words.semaphore)]
}

/// What the kernel answers, negated when it refuses.
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

/// Sleeps on a word as those do who wait for a priority-inheriting lock.
fn sleep_as_a_stranger((words, place): (Shared<Words>, usize)) {
    let word = raw(&words)[place];
    // SAFETY: mapped, and a number.
    unsafe { word.write_volatile(ASLEEP[place]) };
    let ended = futex(word, libc::FUTEX_WAIT_REQUEUE_PI, ASLEEP[place]);
    panic!("it was to sleep until it is killed, and has ended with {ended}");
}

/// The kernel refuses to wake such a sleeper, which must not become a panic of whoever wakes.
#[test]
fn a_sleeper_of_another_kind_disturbs_no_wake() {
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
        let stranger = start(sleep_as_a_stranger, (words.clone(), place));
        let deadline = Instant::now() + EVER;
        while futex(raw(&words)[place], libc::FUTEX_WAKE, 1) != -i64::from(libc::EINVAL) {
            assert!(stranger.is_alive() && Instant::now() < deadline, "it does not sleep");
            std::thread::yield_now();
        }
        assert!(ended(&start(wake, words.clone())).unwrap());
        assert!(!words.lock.is_locked());
        stranger.kill().unwrap();
    }
}

/// Whoever cannot count its guards any more keeps the lock, as a peer can have it keep any lock.
#[test]
fn a_count_of_guards_that_is_full_is_no_panic() {
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
