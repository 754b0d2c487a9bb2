//! What a program under a model does beside the primitives: threads, and data that nothing guards.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::hash::Hash;
use std::panic::Location;
use std::rc::Rc;

use crate::sys::model::strand::{self, Strand};
use crate::sys::model::trace::Label;
use crate::sys::model::word;
use crate::sys::model::world::{self, Task, Var};

/// A thread of the model, which will give an `R`. When it is dropped, the thread goes on; when it is leaked,
/// loom takes the thread's end for a deadlock.
#[derive(Debug)]
pub struct JoinHandle<R>(Handle<R>);

#[derive(Debug)]
enum Handle<R> {
    Loom(Strand<R>),
    Search(Task, Results<R>),
}

/// The number of a thread that was killed, which the next thread may get.
#[derive(Debug)]
pub struct FreeNumber(Task);

/// What threads have given, those that are alike in one place.
type Results<R> = Rc<RefCell<BTreeMap<Task, R>>>;

impl<R: 'static> JoinHandle<R> {
    /// Waits until the thread has ended; `None` if it was killed.
    ///
    /// # Panics
    /// When the thread did.
    pub fn ended(self) -> Option<R> {
        match self.0 {
            Handle::Loom(handle) => Some(handle.join()),
            Handle::Search(task, results) => {
                world::join(task).and_then(|joined| results.borrow_mut().remove(&joined))
            }
        }
    }

    /// Waits until the thread has ended; if it was killed, its number is free.
    ///
    /// # Panics
    /// When the thread did.
    pub fn freed(self) -> Option<FreeNumber> {
        let number = match self.0 {
            Handle::Search(task, _) => Some(FreeNumber(task)),
            Handle::Loom(_) => None,
        };
        if self.ended().is_some() { None } else { number }
    }

    /// As [`JoinHandle::ended`], of a thread that nobody kills.
    ///
    /// # Panics
    /// When the thread did, or was killed.
    pub fn join(self) -> R {
        self.ended().expect("it lives until it ends")
    }
}

fn start<R: 'static>(
    alike: Option<(u32, &Results<R>)>,
    mortal: bool,
    number_of: Option<Task>,
    run: impl FnOnce() -> R + 'static,
) -> JoinHandle<R> {
    if !world::is_here() {
        return JoinHandle(Handle::Loom(Strand::spawn(run)));
    }
    let results = alike.map_or_else(Results::default, |(_, results)| results.clone());
    let place = results.clone();
    let gives = size_of::<R>() > 0;
    let task = world::spawn(alike.map(|(kind, _)| kind), mortal, number_of, gives, move || {
        let result = run();
        place.borrow_mut().insert(world::with(|world| world.current()), result);
    });
    JoinHandle(Handle::Search(task, results))
}

/// Starts a thread of the model.
pub fn spawn<R: 'static>(run: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    start(None, false, None, run)
}

/// Starts a thread that may be killed at any step, where the search has deaths to give.
pub fn spawn_mortal<R: 'static>(run: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    start(None, true, None, run)
}

/// Starts a thread that gets this number: the others know it by the name of the dead one.
pub fn spawn_with_number<R: 'static>(
    number: FreeNumber,
    run: impl FnOnce() -> R + 'static,
) -> JoinHandle<R> {
    start(None, false, Some(number.0), run)
}

/// Starts `n` threads that all run the same on the same: nothing in it may tell one from another, nor may
/// who joins them care which has ended or given what. Then the search goes but once through executions that
/// differ only in who is who.
pub fn spawn_alike<R: 'static>(
    n: usize,
    run: impl Fn() -> R + Clone + 'static,
) -> Vec<JoinHandle<R>> {
    let results = Results::default();
    let alike = world::is_here().then(|| (world::kind(), &results));
    (0..n).map(|_| start(alike, false, None, run.clone())).collect()
}

/// The caller says that all it still knows is `what`: its other locals are dead, or follow from that.
/// Then the search needs not tell its pasts apart. If it is not so, the search misses executions.
pub fn end_of_round(what: impl Hash) {
    if world::is_here() {
        world::forget_all_but(what);
    }
}

/// From here on, only one way is tried, in which whoever runs goes on while it can.
pub fn stop_exploring() {
    if world::is_here() {
        world::go_straight(true);
    } else {
        strand::stop_exploring();
    }
}

/// Ends [`stop_exploring`].
pub fn explore() {
    if world::is_here() {
        world::go_straight(false);
    } else {
        strand::explore();
    }
}

/// Lets the others run until `n` of them sleep.
pub fn let_sleep(n: usize) {
    if world::is_here() {
        return world::let_sleep(n);
    }
    while sleepers() < n {
        strand::yield_now();
    }
}

/// How many threads sleep at this step. loom does not see the question: ask after a step on the word
/// that they sleep on.
pub fn sleepers() -> usize {
    word::sleepers()
}

/// A number that nothing guards but the protocol: two who have access at once fail the model.
#[derive(Debug)]
pub struct Data(Kept);

#[derive(Debug)]
enum Kept {
    Loom(loom::cell::UnsafeCell<u32>),
    Search(Var),
}

// SAFETY: the threads of a model are coroutines of one OS thread.
unsafe impl Send for Data {}
// SAFETY: as above, and loom checks every access.
unsafe impl Sync for Data {}

// Only so that a lock which guards it does not take it for plain bytes (see `cell.rs`): the number lies
// elsewhere, and is seen there.
impl Drop for Data {
    fn drop(&mut self) {}
}

impl Default for Data {
    #[track_caller]
    fn default() -> Self {
        Self::new(0)
    }
}

impl Data {
    /// A number.
    #[track_caller]
    pub fn new(value: u32) -> Self {
        let label = Label::next(Location::caller());
        Data(if world::is_here() {
            Kept::Search(world::make(value.into(), label))
        } else {
            Kept::Loom(loom::cell::UnsafeCell::new(value))
        })
    }

    /// Reads it.
    #[track_caller]
    pub fn read(&self) -> u32 {
        match &self.0 {
            Kept::Search(var) => {
                world::access(*var, "read", Location::caller(), |value| *value) as u32
            }
            // SAFETY: loom runs one thread at a time, and ends the model when this access races.
            Kept::Loom(data) => data.with(|data| unsafe { *data }),
        }
    }

    /// Writes it.
    #[track_caller]
    pub fn write(&self, value: u32) {
        match &self.0 {
            Kept::Search(var) => {
                world::access(*var, "write", Location::caller(), |place| {
                    *place = value.into();
                    *place
                });
            }
            // SAFETY: as above.
            Kept::Loom(data) => data.with_mut(|data| unsafe { *data = value }),
        }
    }

    /// Reads and writes: two steps, between which whoever else has access is seen.
    #[track_caller]
    pub fn add(&self, more: u32) {
        self.write(self.read() + more);
    }
}
