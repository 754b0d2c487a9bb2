//! Threads of a model. Some are mortal: the search may kill them at any step, and each stands for a process.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;

use crate::executor::{Start, ThreadId, ThreadObject, digest, executor};

/// A thread of the model, which will give an `R`. When it is dropped, the thread goes on; when it is leaked,
/// loom takes the thread's end for a deadlock.
#[derive(Debug)]
pub struct JoinHandle<R> {
    thread: Box<dyn ThreadObject>,
    results: Results<R>,
}

/// The number of a thread that was killed, which the next thread may get.
#[derive(Debug)]
pub struct FreeNumber(ThreadId);

/// What threads have given, those that are alike in one place.
type Results<R> = Rc<RefCell<BTreeMap<ThreadId, R>>>;

impl<R: 'static> JoinHandle<R> {
    /// Waits until the thread has ended; `None` if it was killed.
    ///
    /// # Panics
    /// When the thread did.
    pub fn ended(self) -> Option<R> {
        let joined = self.thread.join()?;
        self.results.borrow_mut().remove(&joined)
    }

    /// Waits until the thread has ended; if it was killed, its number is free.
    ///
    /// # Panics
    /// When the thread did.
    pub fn freed(self) -> Option<FreeNumber> {
        let number = FreeNumber(self.thread.id());
        if self.ended().is_some() { None } else { Some(number) }
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
    kind: Option<u32>,
    results: &Results<R>,
    mortal: bool,
    number_of: Option<ThreadId>,
    run: impl FnOnce() -> R + 'static,
) -> JoinHandle<R> {
    let place = results.clone();
    let body = Box::new(move || {
        let result = run();
        place.borrow_mut().insert(executor().current(), result);
    });
    let start = Start { kind, mortal, gives: size_of::<R>() > 0, number_of, body };
    JoinHandle { thread: executor().spawn(start), results: results.clone() }
}

/// Starts a thread of the model.
pub fn spawn<R: 'static>(run: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    start(None, &Results::default(), false, None, run)
}

/// Starts a thread that may be killed at any step, where the search has deaths to give.
pub fn spawn_mortal<R: 'static>(run: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    start(None, &Results::default(), true, None, run)
}

/// Starts a thread of the caller's process, which is over only when all its threads are: this one is where it
/// has run.
pub fn spawn_beside<R: 'static>(run: impl FnOnce() -> R + 'static) -> JoinHandle<R> {
    let process = process();
    let run = move || {
        BESIDE.with_borrow_mut(|beside| beside.insert(name(), process));
        let result = run();
        end();
        result
    };
    start(None, &Results::default(), false, None, run)
}

/// Starts a thread that gets this number: it has the name of the one that was killed, as where the kernel
/// gives a number again. Nothing else of that one is its.
pub fn spawn_with_number<R: 'static>(
    number: FreeNumber,
    run: impl FnOnce() -> R + 'static,
) -> JoinHandle<R> {
    let run = move || {
        forget(name());
        run()
    };
    start(None, &Results::default(), false, Some(number.0), run)
}

/// Starts `n` threads that all run the same on the same: nothing in it may tell one from another, nor may
/// who joins them care which has ended or given what. Then the search goes but once through executions that
/// differ only in who is who.
pub fn spawn_alike<R: 'static>(
    n: usize,
    run: impl Fn() -> R + Clone + 'static,
) -> Vec<JoinHandle<R>> {
    let results = Results::default();
    let kind = executor().new_kind();
    (0..n).map(|_| start(kind, &results, false, None, run.clone())).collect()
}

/// The caller says that all it still knows is `what`: its other locals are dead, or follow from that.
/// Then the search needs not tell its pasts apart. If it is not so, the search misses executions.
pub fn end_of_round(what: impl Hash) {
    executor().forget_all_but(digest((7u8, what)));
}

/// From here on, only one way is tried, in which whoever runs goes on while it can.
pub fn stop_exploring() {
    executor().explore(false);
}

/// Ends [`stop_exploring`].
pub fn explore() {
    executor().explore(true);
}

/// Lets the others run until `n` of them wait on a futex.
pub fn let_sleep(n: usize) {
    executor().let_sleep(n);
}

/// How many threads wait on a futex at this step. loom does not see the question: ask after a step on the
/// word that they wait on.
pub fn sleepers() -> usize {
    executor().sleepers()
}

/// What others know the calling thread by: a number of at most 30 bits, and never 0, as the kernel's of a
/// thread. Of a thread that was killed, another [may get it](spawn_with_number).
pub fn name() -> u32 {
    executor().name()
}

/// The name of the calling thread's process: of its first thread.
pub fn process() -> u32 {
    let name = name();
    BESIDE.with_borrow(|beside| beside.get(&name).copied()).unwrap_or(name)
}

/// The caller's process lends what it has to other threads of its own, from here on.
pub fn lends() {
    let process = process();
    LENDERS.with_borrow_mut(|lenders| lenders.insert(process));
}

/// Whether the caller's process [lends] anything.
pub fn is_lender() -> bool {
    let process = process();
    LENDERS.with_borrow(|lenders| lenders.contains(&process))
}

/// Whether any process [lends] anything.
pub fn has_lenders() -> bool {
    LENDERS.with_borrow(|lenders| !lenders.is_empty())
}

/// Whether this model is about threads that end where nobody says so.
pub fn can_die() -> bool {
    executor().has_deaths()
}

std::thread_local! {
    /// In the model that this OS thread runs.
    static ENDED: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
    /// Of each thread that is not the first of its process: the name of that one.
    static BESIDE: RefCell<BTreeMap<u32, u32>> = const { RefCell::new(BTreeMap::new()) };
    static LENDERS: RefCell<BTreeSet<u32>> = const { RefCell::new(BTreeSet::new()) };
    static AT_EXIT: RefCell<Vec<AtExit>> = const { RefCell::new(Vec::new()) };
}

/// What the thread of this name does where it exits.
struct AtExit {
    name: u32,
    act: Box<dyn FnOnce()>,
}

/// An execution begins.
pub(crate) fn forget_ended() {
    ENDED.take();
    BESIDE.take();
    LENDERS.take();
    AT_EXIT.take();
}

/// Forgets what a thread of this name that was killed had said about its end.
fn forget(name: u32) {
    ENDED.with_borrow_mut(|ended| ended.remove(&name));
    AT_EXIT.with_borrow_mut(|acts| acts.retain(|act| act.name != name));
}

/// The calling thread is over, with all that it holds, as a process that is killed here: it is to do nothing
/// more. loom does not see it: let those who look be ordered after it by other means.
pub fn end() {
    ENDED.with_borrow_mut(|ended| ended.insert(name()));
    executor().private_step("ends");
}

/// Has `act` be done where the calling thread ends by [`exit`].
pub fn at_exit(act: impl FnOnce() + 'static) {
    let act = AtExit { name: name(), act: Box::new(act) };
    AT_EXIT.with_borrow_mut(|acts| acts.push(act));
}

/// Does what is to be done [`at_exit`] of the calling thread, in order.
pub fn run_at_exit() {
    let name = name();
    let mine: Vec<AtExit> =
        AT_EXIT.with_borrow_mut(|acts| acts.extract_if(.., |act| act.name == name).collect());
    mine.into_iter().for_each(|mine| (mine.act)());
}

/// The calling thread is over, as a process that exits: it does what is to be done [`at_exit`], and is then
/// as after [`end`].
pub fn exit() {
    run_at_exit();
    end();
}

/// Whether the process of this name is over: each of its threads, by [`end`] or because it was killed.
pub fn has_ended(process: u32) -> bool {
    let is_over =
        |name: u32| ENDED.with_borrow(|ended| ended.contains(&name)) || executor().is_dead(name);
    let others = BESIDE.with_borrow(|beside| {
        let others = beside.iter().filter(|&(_, &of)| of == process);
        others.map(|(&name, _)| name).collect::<Vec<_>>()
    });
    let over = is_over(process) && others.into_iter().all(is_over);
    executor().observe(u64::from(over));
    over
}

/// What the caller knew at one point of an operation: all that it has seen since, it forgets again
/// where it says so.
#[derive(Debug)]
pub struct Mark(crate::executor::Knowledge);

impl Mark {
    /// What the caller knows here.
    pub fn here() -> Self {
        Mark(executor().knowledge())
    }

    /// What the caller goes on with is what it knew at the mark, and these: it has no other local that
    /// is still of use. Then the search needs not tell apart by what ways it came here. If it is not
    /// so, the search misses executions.
    #[track_caller]
    pub fn keeps(&self, known: Known) {
        executor().knows_again(&self.0, &known.0, std::panic::Location::caller());
    }
}

/// Values that a thread knows: the numbers that their `Hash` consists of, each by itself, so that the name
/// of a thread is seen among them.
#[derive(Debug)]
pub struct Known(Vec<u64>);

impl Known {
    /// Nothing but where in the source it is.
    pub fn at(line: u32, column: u32) -> Self {
        Known(vec![line.into(), column.into()])
    }
}

impl Hasher for Known {
    fn write(&mut self, bytes: &[u8]) {
        self.0.push(crate::executor::digest(bytes));
    }

    fn write_u8(&mut self, value: u8) {
        self.0.push(value.into());
    }

    fn write_u32(&mut self, value: u32) {
        self.0.push(value.into());
    }

    fn write_u64(&mut self, value: u64) {
        self.0.push(value);
    }

    fn write_usize(&mut self, value: usize) {
        self.0.push(value as u64);
    }

    fn finish(&self) -> u64 {
        crate::executor::digest(&self.0)
    }
}
