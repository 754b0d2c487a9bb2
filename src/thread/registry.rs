//! The threads of the running process, and what is done for them when it ends.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::getpid;
use rustix::thread::gettid;

use crate::process::{Duty, Rank, is_asked_for, register};
use crate::thread::handle::Handle;

/// Between two looks, at the end of the program, whether a thread has asked for that end.
const SLICE: Duration = Duration::from_millis(100);

thread_local! {
    static CURRENT: RefCell<Option<Handle>> = const { RefCell::new(None) };
}

struct Threads {
    /// The main thread, once somebody has asked for it.
    main: Option<Handle>,
    /// Those that this crate has started and that may still run.
    started: Vec<Handle>,
    /// Those that were given a number, by kind.
    named: u64,
    foreign: u64,
}

static THREADS: Mutex<Threads> =
    Mutex::new(Threads { main: None, started: Vec::new(), named: 0, foreign: 0 });

fn threads() -> MutexGuard<'static, Threads> {
    // Nothing that is done under the lock leaves the list half changed.
    THREADS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The thread that calls.
///
/// The main thread is "MainThread"; one that others have started is "Dummy-1" and so on, as in
/// Python, and a daemon: nobody waits for it.
///
/// ```
/// use multiproc::{Thread, thread};
///
/// let levi = Thread::builder().name("Levi").start(|| thread::current().name())?;
/// assert_eq!(levi.join()?, "Levi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn current() -> Handle {
    // One whose locals are gone already, in the drop of another local, gets a new handle each time.
    let known = CURRENT.try_with(|current| current.borrow().clone()).ok().flatten();
    known.unwrap_or_else(|| {
        let handle = if gettid() == getpid() { main() } else { foreign() };
        let _ = CURRENT.try_with(|current| current.replace(Some(handle.clone())));
        handle
    })
}

/// The threads that live: the main thread, and those that this crate has started.
pub fn all() -> Vec<Handle> {
    let mut threads = threads();
    sweep(&mut threads);
    let main = threads.main.clone();
    let main = main.unwrap_or_else(|| {
        // Asked for by another thread, before the main thread has said that it is there.
        Handle::of_main()
    });
    threads.main = Some(main.clone());
    [main].into_iter().chain(threads.started.iter().cloned()).collect()
}

/// How many threads [`all`] gives.
pub fn active_count() -> usize {
    all().len()
}

/// The main thread's handle, for the main thread.
fn main() -> Handle {
    open();
    threads().main.get_or_insert_with(Handle::of_main).clone()
}

fn foreign() -> Handle {
    let mut threads = threads();
    threads.foreign += 1;
    Handle::of_caller(format!("Dummy-{}", threads.foreign), true)
}

/// Makes the list known to those who end the process; before the first thread is started.
pub(super) fn open() {
    register(Duty { rank: Rank::Threads, at_end, after_fork });
}

/// The name of the next thread that is given none.
pub(super) fn next_name() -> String {
    let mut threads = threads();
    threads.named += 1;
    format!("Thread-{}", threads.named)
}

pub(super) fn add(handle: Handle) {
    let mut threads = threads();
    sweep(&mut threads);
    threads.started.push(handle);
}

pub(super) fn remove(handle: &Handle) {
    threads().started.retain(|known| !known.is(handle));
}

/// Whether a thread that is not told is a daemon: as the one that starts it. One that others have
/// started is a daemon only in name, since nobody asked for one.
pub(super) fn starts_daemons() -> bool {
    let current = current();
    current.is_daemon() && threads().started.iter().any(|thread| thread.is(&current))
}

/// The thread that calls is this one.
pub(super) fn become_current(handle: Handle) {
    CURRENT.set(Some(handle));
}

/// Lets go of those that have ended and that nobody has joined.
fn sweep(threads: &mut Threads) {
    threads.started.retain(|thread| {
        if !thread.is_alive() {
            thread.forget_os();
        }
        thread.is_alive()
    });
}

/// As Python: threads that are no daemons are waited for, whatever has been started meanwhile.
fn at_end() {
    // When another thread ends the process (`std::process::exit`), one that is waited for may be
    // waiting for that very thread: nobody is waited for.
    if gettid() != getpid() {
        return;
    }
    loop {
        let next = threads().started.iter().find(|thread| !thread.is_daemon()).cloned();
        let Some(thread) = next else { return };
        while !thread.ended().wait_for(SLICE) {
            if is_asked_for() {
                return;
            }
        }
        thread.join_os();
        remove(&thread);
    }
}

/// A forked child has one thread: the one that forked, which is its main thread now.
fn after_fork() {
    let name = current().name();
    let main = Handle::of_caller(name, false);
    threads().started.iter().for_each(Handle::lose_os);
    *threads() = Threads { main: Some(main.clone()), started: Vec::new(), named: 0, foreign: 0 };
    let _ = CURRENT.try_with(|current| current.replace(Some(main)));
}
