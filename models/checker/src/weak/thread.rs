//! A thread by loom, made so that loom tries next to nothing twice.
//!
//! Where a later step depends on an earlier one, loom goes back and lets others go first, but does not
//! remember what it has tried there (it has no sleep sets). A point at which others can be scheduled, and at
//! which the thread accesses nothing, doubles what follows. Two such points are taken out:
//!
//! * *Resuming.* A thread that starts, or was woken, does that in one step with its first access, which
//!   gives the latest value, where there is one. An older one is what the same step gives when it comes
//!   earlier, as it can from when the thread was spawned or woken, if loom was exploring then. A value that
//!   was old even then must be one that it cannot see: whoever spawned it had seen nothing of others, or
//!   whoever woke it had seen the word waited on. Where that is not so, a plain load is a step of its own.
//! * *Joining.* For one who is blocked on an object of its own, as in loom's `join`, loom lets everybody
//!   go first. Here the two synchronise by `park` alone: the one who ends waits for the one who joins, so
//!   that what was done is seen by him, and before he joins by nobody.

use std::cell::Cell;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loom::thread::{self, Thread};

use crate::executor::{ThreadId, ThreadObject};

std::thread_local! {
    /// The thread that has resumed and accessed nothing yet, in the model that this OS thread runs.
    static RESUMED: Cell<Option<Resumed>> = const { Cell::new(None) };
    /// A bit for each thread that may have seen something of others, or was spawned by such a one; none as
    /// long as there are no others.
    static INFORMED: Cell<Option<u64>> = const { Cell::new(None) };
    /// Whether loom is trying more than one way.
    static EXPLORING: Cell<bool> = const { Cell::new(true) };
    static EPOCH: Cell<Epoch> = const { Cell::new(0) };
    static PLAIN: Cell<bool> = const { Cell::new(false) };
}

/// A thread that resumes.
#[derive(Clone, Copy)]
struct Resumed {
    thread: ThreadId,
    up_to_date: UpToDate,
}

/// Of which atomics a thread that resumes can see no value that is old already.
#[derive(Clone, Copy, PartialEq)]
enum UpToDate {
    All,
    Only(Address),
    Nothing,
}

/// Where an atomic is.
pub(super) type Address = *const ();

/// How often loom has begun to explore: who could have resumed in an earlier epoch, could not at any point
/// of it.
pub(super) type Epoch = u32;

/// An interleaving begins. A plain one has resuming as a point of its own.
pub(super) fn begin(plain: bool) {
    RESUMED.set(None);
    INFORMED.set(None);
    EXPLORING.set(true);
    EPOCH.set(0);
    PLAIN.set(plain);
}

/// loom's number of the calling thread.
pub(super) fn current() -> ThreadId {
    number_of(&thread::current())
}

/// The last word that its id hashes.
fn number_of(thread: &Thread) -> ThreadId {
    struct Last(usize);
    impl Hasher for Last {
        fn write(&mut self, _: &[u8]) {}
        fn write_usize(&mut self, n: usize) {
            self.0 = n;
        }
        fn finish(&self) -> u64 {
            self.0 as u64
        }
    }
    let mut last = Last(0);
    thread.id().hash(&mut last);
    last.0
}

/// The calling thread, which could resume since that epoch, does so now.
fn resume(since: Epoch, up_to_date: UpToDate) {
    let up_to_date = if since == epoch() { up_to_date } else { UpToDate::Nothing };
    RESUMED.set((!PLAIN.get()).then(|| Resumed { thread: current(), up_to_date }));
}

fn resumed() -> Option<UpToDate> {
    RESUMED.get().filter(|resumed| resumed.thread == current()).map(|resumed| resumed.up_to_date)
}

/// Whether a plain load of this atomic comes at once, as the first access since the calling thread resumed:
/// then it is to give the latest value.
pub(super) fn loads_at_once(atomic: Address) -> bool {
    let Some(up_to_date) = resumed() else { return false };
    let at_once = up_to_date == UpToDate::All || up_to_date == UpToDate::Only(atomic);
    if !at_once {
        RESUMED.set(None);
    }
    at_once
}

/// Every access by loom goes through this; whether there is one latest value, it is told.
pub(super) fn step<R>(has_latest: bool, access: impl FnOnce() -> R) -> R {
    let at_once = resumed().is_some() && has_latest && EXPLORING.get();
    RESUMED.set(None);
    saw_others();
    if !at_once {
        return access();
    }
    loom::stop_exploring();
    let seen = access();
    loom::explore();
    seen
}

/// Whether loom tries more than one way from here on.
pub(super) fn explore(on: bool) {
    EXPLORING.set(on);
    if !on {
        return loom::stop_exploring();
    }
    // Here others can be scheduled, and before here they could not.
    RESUMED.set(None);
    EPOCH.set(epoch() + 1);
    loom::explore();
}

pub(super) fn epoch() -> Epoch {
    EPOCH.get()
}

/// The calling thread may have seen something of others.
pub(super) fn saw_others() {
    INFORMED.set(INFORMED.get().map(|informed| informed | 1 << current()));
}

/// Lets the others go on.
pub(super) fn yield_now() {
    thread::yield_now();
    RESUMED.set(None);
    saw_others();
}

/// Waits on the atomic until `woken` tells in which epoch that was. Whoever wakes has seen the atomic, and
/// unparks the thread.
pub(super) fn sleep_until(atomic: Address, woken: impl Fn() -> Option<Epoch>) {
    while woken().is_none() {
        thread::park();
        resume(woken().unwrap_or_default(), UpToDate::Only(atomic));
    }
}

fn park_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::park();
        resume(epoch(), UpToDate::Nothing);
    }
}

/// The handle of a thread. When it is leaked, loom takes the thread's end for a deadlock.
#[derive(Debug)]
pub(super) struct LoomThread {
    thread: Thread,
    end: Arc<Mutex<End>>,
}

#[derive(Debug)]
struct End {
    has_ended: bool,
    joiner: Joiner,
    is_joined: bool,
}

#[derive(Debug)]
enum Joiner {
    NotYet,
    Thread(Thread),
    Nobody,
}

impl LoomThread {
    pub(super) fn spawn(body: impl FnOnce() + 'static) -> Self {
        let end = End { has_ended: false, joiner: Joiner::NotYet, is_joined: false };
        let end = Arc::new(Mutex::new(end));
        let mine = end.clone();
        // The new one can come before whatever its parent does next, and not before this.
        RESUMED.set(None);
        let informed = INFORMED.get().unwrap_or(0);
        let is_informed = informed >> current() & 1 != 0;
        INFORMED.set(Some(informed));
        let since = epoch();
        let handle = thread::spawn(move || {
            let this = u64::from(is_informed) << current();
            INFORMED.set(INFORMED.get().map(|informed| informed | this));
            resume(since, if is_informed { UpToDate::Nothing } else { UpToDate::All });
            body();
            locked(&mine).has_ended = true;
            park_until(|| !matches!(locked(&mine).joiner, Joiner::NotYet));
            let mut end = locked(&mine);
            end.is_joined = true;
            if let Joiner::Thread(joiner) = &end.joiner {
                joiner.unpark();
            }
        });
        LoomThread { thread: handle.thread().clone(), end }
    }

    fn set_joiner(&self, joiner: Joiner) {
        let mut end = locked(&self.end);
        end.joiner = joiner;
        // Not before it has ended: what is done here it is not to see.
        if end.has_ended {
            self.thread.unpark();
        }
    }
}

impl ThreadObject for LoomThread {
    fn id(&self) -> ThreadId {
        number_of(&self.thread)
    }

    fn join(self: Box<Self>) -> Option<ThreadId> {
        self.set_joiner(Joiner::Thread(thread::current()));
        park_until(|| locked(&self.end).is_joined);
        saw_others();
        Some(number_of(&self.thread))
    }
}

impl Drop for LoomThread {
    fn drop(&mut self) {
        let is_awaited = !matches!(locked(&self.end).joiner, Joiner::NotYet);
        // A model that failed takes no more steps.
        if !is_awaited && !std::thread::panicking() {
            self.set_joiner(Joiner::Nobody);
        }
    }
}

fn locked(end: &Mutex<End>) -> MutexGuard<'_, End> {
    end.lock().unwrap_or_else(PoisonError::into_inner)
}
