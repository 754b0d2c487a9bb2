//! The threads of the running process, and what is done for them when it ends.

use std::cell::RefCell;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::getpid;
use rustix::thread::gettid;

use crate::process::{Duty, Rank, is_asked_for, register};
use crate::sys::{Deadline, fork_generation};
use crate::thread::handle::Handle;
use crate::thread::native::Joined;

/// Between two looks, at the end of the program, whether a thread has asked for that end.
const SLICE: Duration = Duration::from_millis(100);

/// What the main thread is called.
const MAIN: &str = "MainThread";

thread_local! {
    static CURRENT: RefCell<Option<Own>> = const { RefCell::new(None) };
}

/// What a thread has of itself.
struct Own {
    handle: Handle,
    /// Whether the end of this is all that tells of the thread's end.
    is_foreign: bool,
}

impl Drop for Own {
    fn drop(&mut self) {
        if self.is_foreign {
            self.handle.native().end();
        }
    }
}

struct Threads {
    /// The generation of the process whose they are.
    of: u64,
    /// The main thread, once somebody has asked for it.
    main: Option<Handle>,
    /// Those that this crate has started and that are not joined yet.
    started: Vec<Handle>,
    /// Those that were given a number, by kind.
    named: u64,
    foreign: u64,
}

impl Threads {
    const fn of(generation: u64) -> Self {
        Threads { of: generation, main: None, started: Vec::new(), named: 0, foreign: 0 }
    }
}

static THREADS: Mutex<Threads> = Mutex::new(Threads::of(0));

fn threads() -> MutexGuard<'static, Threads> {
    // Nothing that is done under the lock leaves the list half changed.
    let mut threads = THREADS.lock().unwrap_or_else(PoisonError::into_inner);
    let generation = fork_generation();
    if threads.of != generation {
        // A forked process, whoever has forked it, has none of its parent's.
        *threads = Threads::of(generation);
    }
    threads
}

/// The thread that calls.
///
/// The main thread is "MainThread"; one that others have started is "Dummy-1" and so on, as in
/// Python, and a daemon: nobody waits for it. In a forked process, the thread that forked is the main
/// thread, and keeps its name.
///
/// ```
/// use multiproc::{Thread, thread};
///
/// let levi = Thread::builder().name("Levi").start(|| thread::current().name())?;
/// assert_eq!(levi.join()?, "Levi");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn current() -> Handle {
    let known = CURRENT.try_with(|own| own.borrow().as_ref().map(|own| own.handle.clone()));
    match known {
        Ok(Some(handle)) if handle.is_ours() => handle,
        Ok(known) => {
            let is_main = gettid() == getpid();
            let handle = if is_main { main(known) } else { foreign() };
            become_current(handle.clone(), !is_main);
            handle
        }
        // Its locals are gone already, but for the one in whose drop it asks.
        Err(_) if gettid() == getpid() => main(None),
        // A foreign thread gets a new handle each time.
        Err(_) => {
            let started = threads().started.iter().find(|thread| thread.is_current()).cloned();
            started.unwrap_or_else(foreign)
        }
    }
}

/// The threads that live: the main thread, and those that this crate has started.
pub fn all() -> Vec<Handle> {
    // What the main thread is called, only itself may know: it may have been another's.
    if gettid() == getpid() {
        current();
    }
    let mut threads = threads();
    sweep(&mut threads);
    let main = threads.main.clone();
    let main = main.unwrap_or_else(|| {
        // Asked for by another thread, before the main thread has said that it is there.
        Handle::of_main(MAIN.to_owned())
    });
    threads.main = Some(main.clone());
    [main].into_iter().chain(threads.started.iter().cloned()).collect()
}

/// How many threads [`all`] gives.
pub fn active_count() -> usize {
    all().len()
}

/// The main thread's handle, for the main thread; and what it was before a fork.
fn main(before: Option<Handle>) -> Handle {
    open();
    let new = || Handle::of_main(before.map_or_else(|| MAIN.to_owned(), |before| before.name()));
    threads().main.get_or_insert_with(new).clone()
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
pub(super) fn become_current(handle: Handle, is_foreign: bool) {
    let _ = CURRENT.try_with(|own| own.replace(Some(Own { handle, is_foreign })));
}

/// Joins those that have ended, and lets go of them.
fn sweep(threads: &mut Threads) {
    threads.started.retain(Handle::is_alive);
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
        while thread.native().join(Deadline::after(SLICE)) == Joined::TimedOut {
            if is_asked_for() {
                return;
            }
        }
        remove(&thread);
    }
}

/// A forked child has one thread: the one that forked, which is its main thread now.
fn after_fork() {
    current();
}
