//! The threads of the running process, and what is done for them when it ends.

use std::cell::RefCell;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rustix::process::getpid;
use rustix::thread::gettid;

use crate::process::{Duty, Rank, is_asked_for, register};
use crate::sys::{Deadline, ForkCell, ForkLocal, fork_generation};
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
        // In a forked child it is no thread that ends, but a copy that goes.
        if self.is_foreign && self.handle.is_ours() {
            self.handle.native().end();
        }
    }
}

#[derive(Clone, Default)]
struct Threads {
    /// The generation of the process whose they are.
    of: u64,
    /// The main thread, once somebody has asked for it.
    main: Option<Handle>,
    /// Those that this crate has started and that are not joined yet.
    started: Vec<Handle>,
}

static THREADS: ForkCell<Threads> = ForkCell::new();

/// How many threads of this process were given a number.
#[derive(Default)]
struct Numbered {
    started: u64,
    foreign: u64,
}

static NUMBERED: ForkLocal<Mutex<Numbered>> = ForkLocal::new(Mutex::default);

/// Looks at the threads of the running process, and changes which there are.
fn threads<R>(look: impl FnOnce(&mut Threads) -> R) -> R {
    THREADS.change(|threads| {
        let generation = fork_generation();
        if threads.of != generation {
            // A forked process, whoever has forked it, has none of its parent's.
            *threads = Threads { of: generation, ..Threads::default() };
        }
        look(threads)
    })
}

/// The first of those that this crate has started that is the one.
fn find(is: impl Fn(&Handle) -> bool) -> Option<Handle> {
    THREADS.read(|threads| {
        let is_ours = threads.of == fork_generation();
        threads.started.iter().find(|thread| is_ours && is(thread)).cloned()
    })
}

/// The next number of the kind that `kind` picks.
fn next_number(kind: fn(&mut Numbered) -> &mut u64) -> u64 {
    let mut numbered = NUMBERED.get().lock().unwrap_or_else(PoisonError::into_inner);
    let number = kind(&mut numbered);
    *number += 1;
    *number
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
        Err(_) => find(Handle::is_current).unwrap_or_else(foreign),
    }
}

/// The threads that live: the main thread, and those that this crate has started.
pub fn all() -> Vec<Handle> {
    // What the main thread is called, only itself may know: it may have been another's.
    if gettid() == getpid() {
        current();
    }
    threads(|threads| {
        sweep(threads);
        // Asked for by another thread, before the main thread has said that it is there.
        let main = threads.main.get_or_insert_with(|| Handle::of_main(MAIN.to_owned()));
        [&*main].into_iter().chain(&threads.started).cloned().collect()
    })
}

/// How many threads [`all`] gives.
pub fn active_count() -> usize {
    all().len()
}

/// The main thread's handle, for the main thread; and what it was before a fork.
fn main(before: Option<Handle>) -> Handle {
    open();
    let new = || Handle::of_main(before.map_or_else(|| MAIN.to_owned(), |before| before.name()));
    threads(|threads| threads.main.get_or_insert_with(new).clone())
}

fn foreign() -> Handle {
    let number = next_number(|numbered| &mut numbered.foreign);
    Handle::of_caller(format!("Dummy-{number}"), true)
}

/// Makes the list known to those who end the process; before the first thread is started.
pub(super) fn open() {
    register(Duty { rank: Rank::Threads, at_end, after_fork });
}

/// The name of the next thread that is given none.
pub(super) fn next_name() -> String {
    format!("Thread-{}", next_number(|numbered| &mut numbered.started))
}

pub(super) fn add(handle: Handle) {
    threads(|threads| {
        sweep(threads);
        threads.started.push(handle);
    });
}

pub(super) fn remove(handle: &Handle) {
    threads(|threads| threads.started.retain(|known| !known.is(handle)));
}

/// Whether a thread that is not told is a daemon: as the one that starts it. One that others have
/// started is a daemon only in name, since nobody asked for one.
pub(super) fn starts_daemons() -> bool {
    let current = current();
    current.is_daemon() && find(|thread| thread.is(&current)).is_some()
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
        let Some(thread) = find(|thread| !thread.is_daemon()) else { return };
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
