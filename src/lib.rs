// Doc examples run on the machine; a model build has none to run.
#![cfg_attr(all(doctest, modelled), cfg(any()))]
//! Python's multiprocessing and threading for Rust: processes, pools, pipes and queues, on
//! primitives that are the same between threads and between processes, survive the death of any
//! participant, and are model-checked.
//!
//! # Which one
//!
//! | to | use | between threads | between processes |
//! |---|---|---|---|
//! | guard a value | [`Lock`] | in a static or an `Arc` | in a [`Shared`] |
//! | the same, and lock again what one holds | [`RLock`] | the same | the same |
//! | wait until the value has changed | [`Condition`] | the same | the same |
//! | wait for something to have happened | [`Event`] | the same | the same |
//! | wait until all have come | [`Barrier`] | the same | the same |
//! | let so many in at a time | [`Semaphore`], [`BoundedSemaphore`] | the same | the same |
//! | the same, and have back what the dead held | [`RobustSemaphore`] | the same | the same |
//! | share a number, or many | [`Value`], [`SharedArray`] | yes | yes |
//! | pass values from many to many | [`Queue`] | yes | yes |
//! | send values over a line that can be polled | [`pipe`], [`duplex`] | yes | yes |
//! | run a function beside the rest | [`Thread`], [`Process`] | `Thread` | `Process` |
//! | run many, on a few workers | [`Pool`] | | yes |
//! | wait for whichever of several is ready first | [`wait_any`] | yes | yes |
//! | wait in an `async` function | [`Queue::get_async`] and its like; an [`AsyncResult`] | yes | yes |
//!
//! # Builders
//!
//! What has properties beside what it does is made by a builder, which starts it by the same names as
//! the type itself:
//!
//! | | makes a | properties | starts it |
//! |---|---|---|---|
//! | [`Process::builder`] | [`ProcessBuilder`] | name, daemon, environment, directory, standard streams, limits, logs, start method | `fork`, `spawn`, `start` |
//! | [`Thread::builder`] | [`ThreadBuilder`] | name, daemon | `spawn`, `start` |
//! | [`Pool::builder`] | [`PoolBuilder`] | name, workers, start_timeout, task_timeout, max_tasks_per_worker, initializer, limits, logs, start method | `build` |
//!
//! # How a value gets into a child
//!
//! A child that is forked has all memory, so it has what a closure captures; what lives in a
//! [`Shared`] stays one and the same, everything else is a copy. A child that is spawned is a
//! fresh process of the same program (or a copy of one, by
//! [`StartMethod::ForkServer`](process::StartMethod::ForkServer)): it gets its argument by serde (see [below](#what-may-be-sent)), and a
//! [`Shared`], a pipe's end, a queue or an array in it is handed over as what it is.
//!
//! # What may be sent
//!
//! What goes through a [`Queue`] or a [`pipe`], to a [`Process`] or a [`Pool`] and back, is any type
//! that has serde's `Serialize` and `Deserialize`. It arrives equal, or is refused before it is sent,
//! by a [`CodecError`] that names the type, the field and the attribute.
//!
//! The bytes are the values alone, without names. With serde's derive that carries everything but:
//!
//! | attribute | what becomes of it |
//! |---|---|
//! | `untagged`, `tag`, `tag` with `content`, `flatten`; types that call `deserialize_any` | the type is refused: send it in a [`SelfDescribing`] |
//! | `skip_serializing_if` | the value is refused when a field was left out: the same |
//! | `skip_serializing` or `skip_deserializing` alone, a `rename` that differs between the two | refused, but for a variant or field that has an `alias` for the other name |
//! | `into` without `from`, `serialize_with` without `deserialize_with`, and the reverse; a `Serialize` or `Deserialize` by hand | refused where another kind of value is written than is read, by its place in the type: a text for a number, a `u32` for a `u64`, a tuple for a struct |
//! | `skip` | the field arrives as its default |
//!
//! A newtype, or a tuple struct, may be read without its name, as `try_from` and a `Deserialize` by hand
//! often do, and bytes as a list of `u8` or the reverse. What is written and read as values of one kind
//! (a text in another spelling, a number in another unit, `from` alone on a newtype of what it is from)
//! cannot be told from what is meant: it is on you that the one makes of it what the other had.
//! Nor can one-way attributes of two fields of one type, or of two variants, that leave as many values of
//! the same kinds under the same names, where code by hand, or a type that refuses made-up values, keeps
//! them from being seen in a made-up value.
//!
//! To find that out, a type's `Deserialize` is called with made-up values (1, 0, `"1"`, one element,
//! none) before the first value of it is sent, and its `Serialize` with what came of that, to see that what
//! was read into a field is written from there: what comes back as another number or variant is refused.
//! One that refuses them is not held against the type, but each value is read once before it is sent, to
//! see that it can be; so is one that seems to be written otherwise than it is read, as far as it was
//! written, to see what is asked for there. An enum, a struct or a tuple of which that cannot be found out,
//! because a value before it is refused where it is sent, is refused too. Let neither leave traces, nor
//! panic over what is made up: that is caught, but the panic hook shows it, and where panics abort, it
//! ends the program.
//!
//! Values are nested at most 256 deep, each list, map, tuple, struct, newtype, variant with a value
//! and `Some` counting as one; and a message has at most 2^20 elements that take no bytes, such as
//! `()`.
//!
//! # Waiting without a thread
//!
//! Beside a call that waits there is one for `async` functions, which waits without a thread: `put_async` and
//! `get_async` of a [`Queue`], `send_async` and `recv_async` of a [`pipe`]'s ends, [`Event::wait_async`],
//! [`Semaphore::acquire_async`], [`Process::join_async`] and [`Process::wait_async`]; with the feature `stream`,
//! queues and receivers are streams. They give what the calls without `_async` give, and notice the same deaths.
//! Any executor will do.
//!
//! ```
//! use multiproc::{Event, Queue, Semaphore, Shared};
//!
//! static AT_ONCE: Semaphore = Semaphore::new(100);
//!
//! /// Answers requests that other processes put, until somebody sets `stop`; gives how many there were.
//! async fn serve(requests: Queue<u64>, answers: Queue<u64>, stop: Shared<Event>) -> u64 {
//!     for served in 0.. {
//!         let request = tokio::select! {
//!             biased;
//!             request = requests.get_async() => request,
//!             () = stop.wait_async() => return served,
//!         };
//!         let (Ok(n), answers) = (request, answers.clone()) else { return served };
//!         tokio::spawn(async move {
//!             let _permit = AT_ONCE.acquire_async().await;
//!             answers.put_async(n * n).await
//!         });
//!     }
//!     unreachable!("there is no end of numbers")
//! }
//!
//! let (requests, answers) = (Queue::bounded(8)?, Queue::bounded(8)?);
//! let stop = Shared::new(Event::new())?;
//! let service = serve(requests.clone(), answers.clone(), stop.clone());
//! let clients = std::thread::spawn(move || {
//!     (1..=3).for_each(|n| requests.put(n).unwrap());
//!     let sum: u64 = answers.iter().take(3).map(Result::unwrap).sum();
//!     stop.set();
//!     sum
//! });
//! let runtime = tokio::runtime::Builder::new_current_thread().build()?;
//! assert_eq!(runtime.block_on(service), 3);
//! assert_eq!(clients.join().unwrap(), 1 + 4 + 9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! * *A future that is dropped* has taken, put and sent nothing, unless it was ready. So the loop above loses no
//!   request, though each turn drops one of two futures. Python's asyncio cannot say that of its executors: there, a
//!   wait runs in a thread, goes on when it is cancelled, and takes what nobody gets.
//! * *A future waits from its first poll on*, and no longer than it lives. A deadline is the executor's (as
//!   `tokio::time::timeout`): there is no `_for`.
//! * *What it costs:* this process starts a thread that sleeps in the stead of all futures, on up to 127 words (of
//!   queues, events, semaphores) each; one for all descriptors (of pipes and processes); and one that takes over
//!   when a waker blocks. They keep no program alive. But a process that has them is not
//!   [forked](Process::fork) any more; spawn.
//! * *Locks, conditions, barriers and robust semaphores* have no such calls: a thread owns what they give, and who
//!   waits looks whether it is dead.
//!
//! # How unrelated programs meet
//!
//! By a name that both know: one calls [`Shared::create`], the others [`Shared::open`]. All else
//! has no name, and is gone with the last process that has it.
//!
//! # When someone dies
//!
//! What a dead process *held* comes back, or its end is told: a lock, a permit of a [`RobustSemaphore`],
//! a side of a queue in the middle of a call, an end of a pipe, its place at a [`Barrier`], and itself, to
//! whoever joins it. Each type says in its "If … dies" what is reported, and how soon.
//!
//! What it only *would have done* nobody can know, and whoever waits for that without a deadline waits
//! for ever:
//!
//! * [`Queue::get`], when all who would put are dead, and [`Queue::put`] into a full queue, when all who
//!   would get are; [`Queue::join`], when one has died with a value that it was to report as done;
//! * [`Event::wait`], and [`Condition::wait`] without a change that a predicate would see;
//! * [`Semaphore::acquire`], when the permits are gone with the dead (a [`RobustSemaphore`] has them
//!   back);
//! * [`Barrier::wait`], for one that died before it ever waited there.
//!
//! There it takes a deadline, or somebody who watches over the processes (who joins them, and then
//! [closes](Queue::close) the queue or [aborts](Barrier::abort) the barrier).
//!
//! # When a process is forked without this crate
//!
//! By C's `fork`, say, in a library that makes a daemon of the program. Its child has a copy of all
//! memory, but no thread and no child of its parent's: a copy of their handles is refused there with an
//! error, and who it was ([`process::current`]) it is no more. What lies in a [`Shared`] it shares as a
//! child of [`Process::fork`] does. Whoever forks so sees to all else himself: that no other thread runs
//! (or, as C has it, that the child does next to nothing), that no lock is held, and that no handle of a
//! thread is used. After a bare `clone` or `vfork`, which glibc does not see, the child must use nothing
//! of this crate: it would take locks in its parent's name.
//!
//! # When something fails
//!
//! What cannot be made is an [`Error`]; each operation that can fail in ways of its own has an error of
//! its own, with the operation in its name ([`PutError`], [`TaskError`], …). `?` hands them on into a
//! `Box<dyn std::error::Error + Send + Sync>` and its like (one that holds a value, if the value may go
//! there).
//!
//! * *Causes* are typed, and each text is said once: an error's own text leaves out what its
//!   [`source`](std::error::Error::source) says. Show the whole chain, as `anyhow`'s `{:#}` does.
//! * *What was refused comes back:* [`PutError::into_inner`] and [`SendError::into_inner`] give the
//!   value, [`Poisoned::into_inner`] gives the guard.
//! * *A lock* is the exception: [`Poisoned`] and [`TryLockError`] hold a guard, so they cannot leave the
//!   function that the lock is borrowed by. `?` unlocks and makes [`Error::Poisoned`] or
//!   [`Error::WouldBlock`] of them, also on the way into a `Box<dyn std::error::Error>`; for
//!   another error type, write `lock().map_err(multiproc::Error::from)?`.
//! * *A time that has passed* is `None` where what was waited for goes on all the same, or `false` where
//!   it would give no value. Of a call that can be refused for other reasons too, it is one of these:
//!
//! | | at once (`try_…`) | by a time (`…_for`, `…_until`) |
//! |---|---|---|
//! | `lock` | [`TryLockError::WouldBlock`] | the same |
//! | `put`, `send` | `Full`, in [`PutError`], [`SendCause`] | `TimedOut` |
//! | `get`, `recv` of a queue, a pipe | `Empty`, in [`GetError`], [`RecvError`] | `TimedOut` |
//! | [`Barrier::wait`] | | [`BrokenBarrier::TimedOut`], for all who wait |
//! | `acquire` | `None` | `None` |
//! | `join` of a process, a thread | `None`: it goes on | `None` |
//! | [`AsyncResult::get`] | `None`: the task goes on | `None` |
//! | [`Condition::wait`] | | `Ok((guard, false))`: the lock is held again |
//! | [`Event::wait`], [`AsyncResult::wait`], [`Queue::join`] | | `false` |
//! | [`wait_any`] | | an empty list |
//! | `poll` of a pipe | `false` | `false` |
//!
//! # When a peer means harm
//!
//! Whoever maps the same memory, or has the other end of a pipe, may write anything there. The
//! others get wrong values or an error ([`GetError::Corrupt`] and the like); this crate's own code does
//! not crash, and what waits with a deadline ends with it. What a peer can do:
//!
//! * *Be in the way.* It can keep a lock locked, an event cleared, a queue full. What waits without
//!   a deadline then waits as long as the peer likes, or panics as if its own thread had locked; so
//!   do [`Queue::try_put`], [`Queue::try_get`] and [`Queue::close`], which wait for whoever holds a
//!   side of the queue.
//! * *Change what a [`Lock`] or an [`RLock`] guards,* while another holds it, or let two threads in at
//!   once: there is nothing but the lock's word to keep it out. Such data is numbers (see
//!   [`ProcessSafe`]). To check a number through the guard and then use it is not enough, as it may be
//!   read again and be another: take a copy that is read once, by [`LockGuard::copied`], and check that.
//!   What a [`Value`], a [`SharedArray`], a queue or a pipe gives is such a copy.
//! * *Send any value of the type,* within the bounds of [what may be sent](#what-may-be-sent): no
//!   message overflows the stack (values inside one another go 256 deep: a type of which each needs
//!   more than some KiB to be read, an array of thousands of numbers, say, needs a larger stack), has
//!   memory reserved for more than it contains, or is read for ever (but as [`SelfDescribing`] says of
//!   `untagged` types, and where the type has arrays of millions of elements without bytes).
//!
//! A child that is spawned runs what its parent says, and trusts it; not the other way round.
//!
//! # Where undefined behaviour begins
//!
//! No call of this crate that is safe is undefined behaviour by itself, whoever dies and whatever a peer
//! sends. What follows would make it so. All of it takes `unsafe` in this process, be it within a library,
//! or a process that shares its memory or starts it, and keeps to other rules; but for memory as files,
//! which stands below.
//!
//! * *A promise that is not kept:* a [`ProcessSafe`] written by hand for a type that is not, or its
//!   [`settle`](ProcessSafe::settle) called for memory that this crate has not mapped; `unsafe` code that
//!   trusts a number of a type in shared memory to be one that a constructor made.
//! * *Memory that is guarded, written by one who does not hold the lock:* by a peer that means harm, or by
//!   one that has opened it under a name and means other things by the same places. By the letter of Rust,
//!   memory behind a reference does not change, and another process is not bound by that. In practice each
//!   read gives some number, and two reads may give two: so whoever has such peers uses copies, as said
//!   above, and no reference to what is guarded.
//! * *[`Process::fork_after_threads`]:* a handle of a thread of the parent, used or dropped in the child.
//! * *Memory that a library other than this one shares with forked children,* behind a function that it
//!   calls safe (an anonymous shared mapping that it gives as `&mut [u8]`, as memmap 0.7 did), or keeps from
//!   them (`MADV_DONTFORK`): after [`Process::fork`] both have it, or the child has it no more.
//! * *A function that relies on what was done in its process,* by unsafe code in a library that gives it out
//!   as a safe `fn` once it has done that (filled a table, asked what the processor can do):
//!   [`Process::spawn`] and [`Pool`] call it in a fresh process, where that was not done. (A function with a public
//!   path has no such condition: anybody may call it first.)
//! * *glibc's word that there was no thread, which is not so* (`__libc_single_threaded`): other code writes
//!   it, or a second libc of the process (`dlmopen`) has made the thread. [`Process::fork`] then does not
//!   refuse.
//! * *A kernel, or a sandbox in its place, that says of a system call that it was done though it was not:* a
//!   filter that answers `unshare`, `madvise` or `tkill` by a number that is made up.
//! * *A copy of a guard, used in a child* that other code has made by `fork`, `vfork` or `clone` while a
//!   lock in shared memory was held. ([`Process::fork`] refuses.) Some libraries do that in a function that
//!   they call safe, which makes a daemon of the program: do not call it while a lock is held. To drop the
//!   copy is harmless after a `fork` of libc's, unless the child has locked that lock itself by then: like
//!   any copy after a fork that libc does not see, it then unlocks. The same holds for what a handler of
//!   `pthread_atfork` does in the child that was registered before this crate was first used.
//! * *A child that other code has forked into another PID or time namespace,* with memory that it has in
//!   common with others: numbers of owners mean others there, and a living one may be taken for dead.
//!   (Children of this crate are refused there.)
//! * *A process number that comes round while somebody looks whether its process has ended,* where no start
//!   of a process is known: in a program that runs in a time namespace of its own, or that had no descriptor
//!   left when it first used a primitive. A [`RobustSemaphore`] may then take permits from the new process.
//! * *Memory that is lent by a guard, in use when the process has ended:* a child of a bare `clone` that has
//!   the same memory (CLONE_VM), or what the kernel was told to write there later (io_uring).
//! * *An allocator,* one that is written by hand, that uses what a guard of its thread has given access to:
//!   it is called also while a [`Condition`] has given the lock up.
//! * *A thread that ends without its end being run:* `pthread_exit`, `pthread_cancel` or `longjmp` past a
//!   guard or a call of this crate, or the bare system call `exit`.
//! * *What this crate owns, taken away:* its descriptors closed, its memory unmapped, protected or moved,
//!   the thread's robust list replaced (`set_robust_list`), the library that it is part of unloaded
//!   (`dlclose`): what runs at the end of a thread and of the process is in there.
//! * *A parent that means harm:* who starts this program as this crate starts a child, with a request of its
//!   own, says which code runs. (So can whoever starts a program; a program with more rights than its parent
//!   refuses.)
//! * *A pool's memory, written by a task* that means harm, by `unsafe` code: the pool's other workers run what
//!   stands there. (The pool's own process checks what it reads.)
//! * *Memory as files,* written by who opens it by a path, of this process or another of its user: memory
//!   under a name in /dev/shm, or any under /proc. Rust's own promise ends there too
//!   ([/proc/self/mem](std::os::unix::io#procselfmem-and-similar-os-features)). The same holds for a pool's
//!   line, or the line to a fork server's helper, that somebody takes by its number (`pidfd_getfd`), also from
//!   this process itself, and for what somebody who may mount puts over single files of the kernel's /proc, or
//!   leads there to another process's.
//! * *glibc's robust mutexes,* held by a thread beside locks of this crate, in memory that somebody who
//!   means harm can write: as in glibc itself, where such a mutex says that the list goes on is followed.
//!   (What stands in this crate's locks this process does not follow. The kernel does, when it ends a thread
//!   that holds one, and marks only what bears that thread's number.)
//! * *A second copy of this crate in the process,* which comes with a library that is loaded while it runs
//!   (cargo builds only one into a program): the two know nothing of each other's guards. A
//!   [`Process::fork`] of one is refused while a lock of the other is held in shared memory, but not if that
//!   was taken while a lock of the first was held, which is held no more, or by a thread that has ended.
//!
//! These end the process, and are not undefined behaviour: memory under a name that another process of the
//! same user cuts short, or any that a peer punches holes into when no memory is left to fill them (SIGBUS); a
//! sandbox that refuses futexes, or the clock (which is said on standard error first).
//!
//! # Where it runs
//!
//! On 64-bit Linux with glibc, on x86-64, AArch64 and RISC-V. A call that the kernel does not have, or
//! that a sandbox denies, is done without, or the error of what needs it names it: the test `denied` denies
//! each call to each type.
//!
//! | call | Linux | without it |
//! |---|---|---|
//! | futex | 2.6.25 | nothing works: whoever would sleep or wake says so on standard error, and ends the process |
//! | clock_gettime | 2.6 | all works where the time is in memory that the kernel shows (the vDSO), as a rule; elsewhere, whoever would wait says so on standard error, and ends the process |
//! | get_robust_list | 2.6.17 | a dead owner of a lock is noticed not at once, but by whoever has waited for 100 to 200 ms |
//! | ppoll, tkill | 2.6.16 | all works, by older calls |
//! | ppoll and poll | | nothing waits for a [`pipe`]; for children one looks every 5 ms |
//! | socketpair, sendmsg, recvmsg, shutdown | | no [`pipe`] and no [`Pool`] |
//! | futex_waitv | 5.16 | all works: for futures of queues, events and semaphores one looks every 5 ms |
//! | epoll_create1, epoll_ctl, epoll_wait | 2.6.27 | all works: futures of pipes and processes are polled every 5 ms |
//! | eventfd2 | 2.6.27 | no [`Pool`] |
//! | fstatfs, openat | | as without /proc, see below |
//! | O_TMPFILE, F_OFD_SETLK | 3.11, 3.15 | no names ([`Shared::create`]) |
//! | memfd_create | 3.17 | all works, in files in /dev/shm, which cannot be sealed: whoever is given one could cut it short; without that folder, no [`Shared`], [`Queue`] and [`SharedArray`], no long messages through a [`pipe`], no children |
//! | F_ADD_SEALS | 3.17 | all works, unsealed as in /dev/shm |
//! | madvise with MADV_POPULATE_WRITE | 5.14 | all works: a [`Pool`] whose long messages find no memory is killed (SIGBUS), where it would get an error |
//! | madvise with MADV_WIPEONFORK | 4.14 | all works |
//! | F_SETLK, fchmod | | no [`Process`] and no [`Pool`] |
//! | pidfd_open, waitid for a pidfd | 5.3, 5.4 | no [`Process`] and no [`Pool`]; that the owner of a lock died is noticed after up to 100 ms |
//! | pidfd_send_signal | 5.1 | no [`Process::kill`] and [`Process::terminate`]; daemons and a pool's workers are ended by other means |
//! | prlimit64, fchdir, dup2, pipe2 | | no child for which the [builder](ProcessBuilder) says what takes it |
//! | prctl with PR_GET_TID_ADDRESS | 3.5 | no fork server: children are started by exec instead |
//! | prctl with PR_SET_PDEATHSIG | 2.1.57 | all works: a thread in a daemon watches its parent |
//!
//! * *Without /proc,* or with one that is not the kernel's (a folder of files in a root of one's own), there
//!   are private primitives, threads and pipes; all else is an error.
//! * *Without /dev/shm* (as in AWS Lambda) there is all but names.
//! * *In valgrind* (3.19), which has no pidfd_open, there is all but children.
//! * *In qemu-user* (7.2), which has no robust lists, there is all but [`Process::fork`]: the emulator has
//!   a thread of its own.
//!
//! # Check your own use of them
//!
//! A program that shares these primitives between threads can be run in every way in which the threads
//! can meet: with the feature `model`, in a build with `RUSTFLAGS="--cfg loom"`, there is a module `model`,
//! whose `check` does that, and shows the way that fails as a table, a column for each thread and a row for
//! each step. `src/model/lost_update.rs` is an example of a mistake that it finds.

#[cfg(not(all(target_os = "linux", target_env = "gnu", target_pointer_width = "64")))]
compile_error!(
    "multiproc needs 64-bit Linux with glibc: its locks stand on futexes and on the layout of \
     glibc's robust list"
);

mod error;
mod handoff;
mod ipc;
#[cfg(modelled)]
pub mod model;
mod pool;
pub mod process;
mod runtime;
mod shm;
mod sync;
mod sys;
pub mod thread;
mod wait;

pub use error::{
    BrokenBarrier, CodecError, Collection, Error, FieldMismatch, FileSizeLimit, FormatDemand,
    GetError, IndexOutOfRange, LayoutProblem, NameProblem, Overflow, PoisonCause, Poisoned,
    PoolJoinError, ProcessError, PutError, RecvError, SendCause, SendError, TaskError, ThreadError,
    TooManyDone, TryLockError, ValueTooLong, WorkerNotStarted,
};
pub use ipc::{
    ArrayGuard, ArrayIter, Connection, Incoming, Queue, Receiver, SelfDescribing, Sender,
    SharedArray, duplex, pipe,
};
/// The protocol of a pool's tasks, for its models.
#[cfg(modelled)]
#[doc(hidden)]
pub use pool::schedule;
pub use pool::{
    AsCompleted, AsyncResult, Chunked, Imap, ImapUnordered, Pool, PoolBuilder, as_completed,
};
pub use process::{Process, ProcessBuilder, Run};
pub use shm::{Layout, ProcessSafe, Shared};
pub use sync::{
    Barrier, BoundedSemaphore, Condition, ConditionGuard, Element, Event, Lock, LockGuard, Permit,
    RLock, RLockGuard, RobustPermit, RobustSemaphore, Semaphore, Value,
};
pub use sys::release_buffers;
pub use thread::{Thread, ThreadBuilder};
#[cfg(feature = "stream")]
pub use wait::IncomingStream;
pub use wait::{Waitable, wait_any, wait_any_for, wait_any_until};

/// For the fuzz targets: what a peer's bytes and descriptors come to.
#[cfg(any(fuzzing, test))]
#[doc(hidden)]
pub mod fuzz_support {
    pub use crate::ipc::fuzz_support::*;
    pub use crate::pool::fuzz_support::*;
    pub use crate::process::fuzz_support::*;
}

#[cfg(all(test, not(modelled), fuzz_targets))]
extern crate self as multiproc;

/// The fuzz targets, whose seeds are played as tests, in the repository: the package has none.
#[cfg(all(test, not(modelled), fuzz_targets))]
#[path = "../fuzz/src/lib.rs"]
mod fuzz;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
