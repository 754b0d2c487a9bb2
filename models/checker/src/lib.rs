//! A model checker for protocols over atomics and futexes whose participants can be killed at any
//! instruction: locks, queues and the like in memory that processes share.
//!
//! A *model* is a small program: two or three [threads](thread), a few operations on the protocol under
//! check, and what must hold, as assertions. The protocol is written with the objects of this crate:
//!
//! | | |
//! |---|---|
//! | [`AtomicU8`] to [`AtomicI64`] | std's atomics |
//! | [`futex`] | waits on an [`AtomicU32`], wakes, and a change that wakes |
//! | [`version`] | a word that has come back to an old value is told from one that never left it |
//! | [`robust`] | the list by which the kernel finds the locks of a thread that is killed |
//! | [`Cell`], [`Data`], [`PlainU64`] | what a protocol guards: two accesses that race fail the model |
//! | [`Socket`] | one end of a pair of sockets that carry packets |
//! | [`thread`] | threads, which stand for processes where they are mortal |
//! | [`time`] | a clock that goes on where a wait ends |
//!
//! A program makes what it shares anew each time that it is run, and depends on nothing but its threads: no
//! clock, no file, no randomness.
//!
//! # Who runs it
//!
//! | | runs | shows | does not show |
//! |---|---|---|---|
//! | [`Search`] | every state, one step of one thread at a time | no assertion fails and nobody waits for ever; also when some are killed at any step | what a weaker ordering does |
//! | [`Weak`] with [`Loads::Stale`] | every interleaving, with every value that a load may give | at small sizes: each ordering carries what it should | interleavings that loom's reduction hides |
//! | [`Weak`] with [`Loads::Latest`] | the same, each load a step that reads the newest value | what that reduction hides | stale values |
//!
//! `Search` is a scheduler for [shuttle](https://docs.rs/shuttle) that goes depth first and turns back where
//! it comes to a state that it has seen: the variables, what the cells hold, who waits where, and of each
//! thread a digest of all that it has seen, which decides what it does next. `Weak` is
//! [loom](https://docs.rs/loom), without a bound.
//!
//! What fails gives a [`Failure`]: a table with a column for each thread and a row for each step, and a
//! schedule that plays exactly that again. [`mutants`](mod@mutants) weaken the protocol in one place at a time,
//! which the checker finds itself: a model that still holds does not show what that place is for.
//!
//! # A lock over a futex
//!
//! ```
#![doc = include_str!("../examples/lock_over_a_futex.rs")]
//! ```
//!
//! # Deaths
//!
//! Any thread that is spawned as [mortal](thread::spawn_mortal) may be killed before any of its steps, and at
//! those that only it sees, on its [robust list](robust). Then the kernel goes through that list, one lock
//! after the other, and the others go on.
//!
//! The number of a thread that was killed may go to a new one ([`thread::spawn_with_number`]), which then
//! has its name.
//!
//! Who waits with slices ([`Timeouts`](futex::Timeouts)) looks again from time to time. No slice ends,
//! so that none hides a lost wake, unless the search says so: after a death ([`Slices`]), or a few of them
//! at any time ([`Search::early`]), also while all live. With [`Search::unmarked`] the kernel does not find
//! what the dead hold, and slices end only as long as a name of the dead stands somewhere.
//!
//! Of several who wait on a word any may be the one that is woken: the kernel promises no order. A wait that
//! has a deadline may end at any time.
//!
//! # What it believes
//!
//! The search is told two things that spare it states, and does not check them: that threads are alike
//! ([`thread::spawn_alike`]), and that a thread has forgotten what it saw ([`thread::end_of_round`]). [`Search::plain`] goes without.
//!
//! loom tries many interleavings more than once. Here it is spared most of that: a thread that starts or
//! wakes does so in one step with its first access, and threads are joined without an object.
//! [`Weak::plain`] goes without. (One thing stale loads alone lose by it: a point that is taken out can be
//! the one at which loom, that forgot a load, would have come to it by another. Latest loads have it, and the
//! search.)
//!
//! # What is not shown
//!
//! * Sizes beyond those of the model.
//! * The futex, the robust list and the sockets themselves: in a model they are lists.
//! * That the search's digests differ where states do: 64 bits for what a thread has seen, 128 for the whole.
//! * That everybody who can go on does so some day: a loop in which nothing changes is one state. (Of a
//!   thread that goes round alone the search tells, as of one that does not end.)
//! * Load buffering, and `SeqCst` beyond `AcqRel`: loom models neither.
//! * loom can let a load read what the order of modification forbids (tokio-rs/loom#282, #389): such a
//!   failure is real if it comes with latest loads, too. Its own loads hide interleavings of a thread that
//!   loads and then writes the same word (tokio-rs/loom#392, #166), latest loads do not.
//! * Where slices end, or waits for no reason, that each wake is needed: that makes up for one.
//! * Another order of wakes than the one in which threads began to wait, with loom: only the search tries it.
//! * What others do while a thread unwinds from a panic that is caught: it does so in one step.
//! * That a wake orders nothing. loom's `unpark` does, so each ordering is shown on a way that does not wait.
//! * What happens where slices of two waits end at once, but with [`Slices::AtOnce`]: otherwise one goes as
//!   far as it can before the other's ends.

mod atomic;
mod cell;
mod executor;
mod failure;
pub mod futex;
pub mod mutants;
mod plain;
pub mod robust;
mod search;
mod socket;
pub mod thread;
pub mod time;
mod trace;
pub mod version;
mod weak;

pub use atomic::{
    Atomic, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16, AtomicU32, AtomicU64,
};
pub use cell::{Access, Cell};
pub use failure::Failure;
pub use multiproc_checker_macros::mutants;
pub use plain::{Data, PlainU64};
pub use search::{Search, SearchResult, Slices};
pub use socket::{Refused, Side, Socket};
pub use weak::{Loads, Weak, WeakResult};

/// Forgets what the last execution on this OS thread left.
fn begin_execution() {
    thread::forget_ended();
}
