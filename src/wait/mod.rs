//! Floor 7: waiting for many things at once, and without a thread for each.
//!
//! A future looks, as whoever blocks does: it tries, and where it would have to wait, announces a sleeper. But it
//! does not sleep. It *registers*: what it waits for, and its waker. A thread of this process, the *watcher*, sleeps
//! in its stead.
//!
//! ```text
//! words         one sleep on all of them (futex_waitv): a watcher for each 127 words
//! descriptors   one epoll: a watcher for all
//! ```
//!
//! A watcher knows addresses, values and numbers of descriptors, and reads nothing that a future has borrowed: a
//! future that was leaked may have outlived all of it. The kernel compares, and an address or a number that is
//! stale is no harm to it. What has happened, the future finds out itself, when its waker has had it polled again.
//!
//! # Whom a wake comes to
//!
//! Who releases a permit, or puts a value, wakes one sleeper on the word. To it, the watcher is one like any other,
//! for all the futures of this process on that word: they are a *group*. The watcher gives the wake to the first
//! of them: that has the *turn*, until it has looked.
//!
//! | the one that has the turn | what becomes of the wake |
//! |---|---|
//! | takes what it finds | the next of the group has the turn: more may be there |
//! | finds nothing | nothing: who was faster has taken it; the watcher sleeps on the word again |
//! | finds room, but too little for its own value | the next that has not looked since has the turn |
//! | is dropped | the next of the group has the turn; without a next, one sleeper on the word is woken |
//! | is not polled within 100 ms | the next of the group has the turn as well |
//!
//! So a wake reaches somebody who looks, in this process or in another. Should that fail (a process dies with it), a
//! sleeper looks again by itself after at most 100 ms, and so does a watcher: nothing is lost, at worst it is late.
//! An [`Event`](crate::Event) wakes all, who need no turn.
//!
//! No word of shared memory is used for any of this but those that blocked threads use, in the same way:
//! models/futures.rs explores it.
//!
//! # What a watcher is to others
//!
//! It is a thread that is started when it is first needed and stays. It does not keep the program from ending.
//! A fork has none: there, the first future starts another, and what the parent's futures have registered is
//! the parent's. Wakers are called without a lock; what they panic with is dropped.

mod any;
mod descriptors;
mod event;
mod groups;
mod pipe;
mod process;
mod queue;
mod semaphore;
#[cfg(feature = "stream")]
mod stream;
mod waitable;
mod wakers;
mod watchers;
mod words;

pub use any::{wait_any, wait_any_for, wait_any_until};
#[cfg(feature = "stream")]
pub use stream::IncomingStream;
pub use waitable::Waitable;
pub(crate) use waitable::{Sealed, Source, Words};
pub(crate) use words::{Wakes, WordWait};
