//! What becomes of a wake whose future makes no use of it.
#![allow(clippy::disallowed_types, reason = "what C has in a semaphore's place")]

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::Waker;
use std::thread::{self, Scope, ScopedJoinHandle};

use multiproc::{Queue, Semaphore};
use rustix::thread::{futex, gettid};

use crate::alone::alone;
use crate::asleep::sleeps;
use crate::block_on::block_on;
use crate::polled::{Count, poll_once, waiting};
use crate::until::until;

/// The wake of a release comes to a future that is dropped before it has looked: another gets it, here.
#[test]
fn the_turn_of_a_dropped_future_goes_to_the_next() {
    let semaphore = Semaphore::new(0);
    let counts = [(); 3].map(|()| Arc::new(Count::default()));
    let [first, second, mut third] =
        counts.each_ref().map(|count| waiting(semaphore.acquire_async(), count.clone()));
    semaphore.release(1).unwrap();
    until("the first to be woken", || counts[0].get() == 1);
    drop(first);
    assert_eq!(counts[1].get(), 1, "woken by the drop");
    let permit = block_on(second);
    assert_eq!(counts[2].get(), 1, "and so on, since more might be there");
    assert!(poll_once(&mut third).is_pending());
    drop(permit);
    drop(block_on(third));
    assert_eq!(semaphore.value(), 1);
}

/// A future that was woken, and that nobody polls, keeps the others waiting for a slice at most.
#[test]
fn a_future_that_is_not_polled_keeps_nothing_from_the_next() {
    let queue = Queue::bounded(4).unwrap();
    let count = Arc::new(Count::default());
    let first = waiting(queue.get_async(), count.clone());
    let second = waiting(queue.get_async(), Waker::noop().clone());
    queue.put(1).unwrap();
    until("the first to be woken", || count.get() == 1);
    assert_eq!(block_on(second).unwrap(), 1);
    queue.put(2).unwrap();
    assert_eq!(block_on(queue.get_async()).unwrap(), 2);
    queue.put(3).unwrap();
    assert_eq!(block_on(first).unwrap(), 3);
}

/// Sleeps on a semaphore's word as one that looks only when it is woken: unlike this crate's own, which look
/// every 100 ms. It has begun to sleep.
fn sleeper<'scope>(
    scope: &'scope Scope<'scope, '_>,
    semaphore: &'scope Semaphore,
) -> ScopedJoinHandle<'scope, ()> {
    // SAFETY: a semaphore is one atomic word, and is only read.
    let word = unsafe { &*std::ptr::from_ref(semaphore).cast::<AtomicU32>() };
    let task = Arc::new(AtomicU32::new(0));
    let own = task.clone();
    let sleeper = scope.spawn(move || {
        const WAIT: u32 = 1;
        own.store(gettid().as_raw_nonzero().get().cast_unsigned(), SeqCst);
        // Longer than the test waits for it: should nobody wake it, the test ends.
        let long = futex::Timespec { tv_sec: 100, tv_nsec: 0 };
        futex::wait(word, futex::Flags::empty(), WAIT, Some(&long)).expect("it is woken");
    });
    until("a thread to sleep", || sleeps(&format!("self/task/{}", task.load(SeqCst))));
    sleeper
}

/// Whether the thread that sleeps in the stead of futures sleeps on their words.
fn watcher_sleeps() -> bool {
    fs::read_dir("/proc/self/task").unwrap().any(|task| {
        let read = |file: &str| {
            let path = task.as_ref().unwrap().path().join(file);
            fs::read_to_string(path).unwrap_or_default()
        };
        let call = format!("{} ", libc::SYS_futex_waitv);
        let mut words = read("syscall");
        // The second argument counts the words: its own, and another.
        let many = words.starts_with(&call) && words.split(' ').nth(2) == Some("0x2");
        words.clear();
        read("comm").trim_end() == "multiproc-words" && many && read("stat").contains(") S ")
    })
}

/// Two sleep on the word: the watcher, for a future, and then a thread. The first wake is the watcher's.
fn the_thread_is_woken_where_the_future_is(drop_before_release: bool) {
    let semaphore = Semaphore::new(0);
    let count = Arc::new(Count::default());
    thread::scope(|scope| {
        let future = waiting(semaphore.acquire_async(), count.clone());
        until("the watcher to sleep", watcher_sleeps);
        let sleeper = sleeper(scope, &semaphore);
        if drop_before_release {
            drop(future);
            semaphore.release(1).unwrap();
        } else {
            semaphore.release(1).unwrap();
            until("the future to be woken", || count.get() == 1);
            assert!(!sleeper.is_finished(), "one is woken, and that is the future");
            drop(future);
        }
        until("the wake to be handed on", || sleeper.is_finished());
    });
    assert_eq!(semaphore.value(), 1);
}

#[test]
fn the_wake_of_a_future_dropped_when_it_was_woken_goes_to_a_thread() {
    if has_no_waitv() {
        return;
    }
    alone(|()| the_thread_is_woken_where_the_future_is(false));
}

#[test]
fn the_wake_of_a_future_dropped_before_it_was_woken_goes_to_a_thread() {
    if has_no_waitv() {
        return;
    }
    alone(|()| the_thread_is_woken_where_the_future_is(true));
}

fn has_no_waitv() -> bool {
    // SAFETY: without words it does nothing.
    let answer = unsafe { libc::syscall(libc::SYS_futex_waitv, 0, 0, 0, 0, 0) };
    let refused = std::io::Error::last_os_error().raw_os_error();
    let has_none = answer == -1 && matches!(refused, Some(libc::ENOSYS | libc::EPERM));
    if has_none {
        eprintln!("SKIPPED: the kernel has no futex_waitv: no watcher is woken");
    }
    has_none
}
