//! A thread by loom, made so that loom tries next to nothing twice.
//!
//! Where a later step depends on an earlier one, loom goes back and lets others go first, but does not
//! remember what it has tried there (it has no sleep sets). A moment at which others can come in, and in
//! which the thread touches nothing, doubles what follows. Two such moments are taken out:
//!
//! * *Coming on.* A thread that starts, or was woken, does that in one step with its first access, which
//!   gives the latest value, where there is one. An older one is what the same step gives when it comes
//!   earlier, as it can from when the thread was spawned or woken, if loom was exploring then. A value that
//!   was old even then must be one that it cannot see: whoever spawned it had seen nothing of others, or
//!   whoever woke it had seen the word slept on. Where that is not so, a plain load is a step of its own.
//! * *Joining.* For one who is blocked on an object of its own, as in loom's `join`, loom lets everybody
//!   go first. Here the two meet by `park` alone: the one who ends waits for the one who joins, so that
//!   what was done is seen by him, and before he joins by nobody.

use std::cell::Cell;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use loom::thread::{self, Thread};

use crate::sys::model::thread::me;

std::thread_local! {
    /// The thread that has come on and touched nothing yet, in the model that this OS thread runs.
    static COMING_ON: Cell<Option<Coming>> = const { Cell::new(None) };
    /// A bit for each thread that may have seen something of others, or was spawned by such a one; none as
    /// long as there are no others.
    static WISE: Cell<Option<u64>> = const { Cell::new(None) };
    /// Whether loom is trying more than one way.
    static EXPLORING: Cell<bool> = const { Cell::new(true) };
    static STRETCH: Cell<Stretch> = const { Cell::new(0) };
    static PLAIN: Cell<bool> = const { Cell::new(false) };
}

/// A thread that comes on.
#[derive(Clone, Copy)]
struct Coming {
    thread: usize,
    knows: Knows,
}

/// Of what a thread that comes on can see no value that is old already.
#[derive(Clone, Copy, PartialEq)]
enum Knows {
    All,
    The(Address),
    Nothing,
}

/// Where an atom is.
type Address = *const ();

/// How often loom has begun to explore: who could have come on in an earlier stretch, could not at any moment.
pub(super) type Stretch = u32;

/// An interleaving begins. A plain one has coming on as a moment of its own.
pub(super) fn begin(plain: bool) {
    COMING_ON.set(None);
    WISE.set(None);
    EXPLORING.set(true);
    STRETCH.set(0);
    PLAIN.set(plain);
}

/// Who could come on since that stretch does so now.
fn come_on(since: Stretch, knows: Knows) {
    let knows = if since == stretch() { knows } else { Knows::Nothing };
    COMING_ON.set((!PLAIN.get()).then(|| Coming { thread: me(), knows }));
}

fn coming_on() -> Option<Knows> {
    COMING_ON.get().filter(|coming| coming.thread == me()).map(|coming| coming.knows)
}

/// Whether a plain load of this atom comes at once, as the first access since the calling thread came on:
/// then it is to give the latest value.
pub(super) fn loads_at_once(atom: Address) -> bool {
    let Some(knows) = coming_on() else { return false };
    let at_once = knows == Knows::All || knows == Knows::The(atom);
    if !at_once {
        COMING_ON.set(None);
    }
    at_once
}

/// Every access by loom goes through this; whether there is one latest value, it is told.
pub(super) fn step<R>(has_latest: bool, access: impl FnOnce() -> R) -> R {
    let at_once = coming_on().is_some() && has_latest && EXPLORING.get();
    COMING_ON.set(None);
    look_about();
    if !at_once {
        return access();
    }
    loom::stop_exploring();
    let seen = access();
    loom::explore();
    seen
}

pub(super) fn stop_exploring() {
    EXPLORING.set(false);
    loom::stop_exploring();
}

pub(super) fn explore() {
    // Here others can come in, and before here they could not.
    COMING_ON.set(None);
    EXPLORING.set(true);
    STRETCH.set(stretch() + 1);
    loom::explore();
}

pub(super) fn stretch() -> Stretch {
    STRETCH.get()
}

/// The calling thread may have seen something of others.
pub(super) fn look_about() {
    WISE.set(WISE.get().map(|wise| wise | 1 << me()));
}

/// Lets the others go on.
pub(super) fn yield_now() {
    thread::yield_now();
    COMING_ON.set(None);
    look_about();
}

/// Sleeps on the atom until `woken` tells in which stretch that was. Whoever wakes has seen the atom, and
/// unparks the thread.
pub(super) fn sleep_until(atom: Address, woken: impl Fn() -> Option<Stretch>) {
    while woken().is_none() {
        thread::park();
        come_on(woken().unwrap_or_default(), Knows::The(atom));
    }
}

fn park_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::park();
        come_on(stretch(), Knows::Nothing);
    }
}

/// The handle of a thread that will give an `R`.
#[derive(Debug)]
pub(super) struct Strand<R> {
    thread: Thread,
    end: Arc<Mutex<End<R>>>,
}

#[derive(Debug)]
struct End<R> {
    result: Option<R>,
    awaited: Awaited,
    is_joined: bool,
}

#[derive(Debug)]
enum Awaited {
    NotYet,
    By(Thread),
    ByNobody,
}

impl<R: 'static> Strand<R> {
    pub(super) fn spawn(run: impl FnOnce() -> R + 'static) -> Self {
        let end =
            Arc::new(Mutex::new(End { result: None, awaited: Awaited::NotYet, is_joined: false }));
        let mine = end.clone();
        // The new one can come before whatever its parent does next, and not before this.
        COMING_ON.set(None);
        let wise = WISE.get().unwrap_or(0);
        let is_wise = wise >> me() & 1 != 0;
        WISE.set(Some(wise));
        let since = stretch();
        let handle = thread::spawn(move || {
            WISE.set(WISE.get().map(|wise| wise | u64::from(is_wise) << me()));
            come_on(since, if is_wise { Knows::Nothing } else { Knows::All });
            let result = run();
            locked(&mine).result = Some(result);
            park_until(|| !matches!(locked(&mine).awaited, Awaited::NotYet));
            let mut end = locked(&mine);
            end.is_joined = true;
            if let Awaited::By(joiner) = &end.awaited {
                joiner.unpark();
            }
        });
        Strand { thread: handle.thread().clone(), end }
    }

    pub(super) fn join(self) -> R {
        self.await_by(Awaited::By(thread::current()));
        park_until(|| locked(&self.end).is_joined);
        look_about();
        locked(&self.end).result.take().expect("it ends without a panic")
    }
}

impl<R> Strand<R> {
    fn await_by(&self, joiner: Awaited) {
        let mut end = locked(&self.end);
        end.awaited = joiner;
        // Not before it has ended: what is done here it is not to see.
        if end.result.is_some() {
            self.thread.unpark();
        }
    }
}

impl<R> Drop for Strand<R> {
    fn drop(&mut self) {
        let is_awaited = !matches!(locked(&self.end).awaited, Awaited::NotYet);
        // A model that failed takes no more steps.
        if !is_awaited && !std::thread::panicking() {
            self.await_by(Awaited::ByNobody);
        }
    }
}

fn locked<R>(end: &Mutex<End<R>>) -> MutexGuard<'_, End<R>> {
    end.lock().unwrap_or_else(PoisonError::into_inner)
}
