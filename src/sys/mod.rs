//! Floor 0: what the machine gives.
//!
//! Everything above is written once and runs on either of two backends with the same face:
//!
//! * `real`: std's atomics, Linux futexes that are never private, the kernel's robust list;
//! * `model` (under `--cfg modelled`, see build.rs): the atomics, cells and futexes of a model
//!   checker, the crate in `models/checker`.
//!
//! This folder and `lib.rs` are the only places that know the cfg. The macro below is the
//! rest of the seam: [`const_fn!`] (a model's atomics have no const constructor).

mod alloc_failure;
mod buffers;
mod child_stage;
mod clock;
mod constructors;
mod exec_path;
mod fd;
mod fork_cell;
mod fork_list;
mod fork_local;
mod generation;
mod intervals;
mod memfd;
#[cfg(modelled)]
mod model;
mod namespace;
mod number;
mod poll;
mod proc;
#[cfg(not(modelled))]
mod real;
mod sibling;
mod stat;
mod threads;
mod unwind;

#[cfg(modelled)]
use model as backend;
#[cfg(not(modelled))]
use real as backend;

use crate::error::FileSizeLimit;
pub(crate) use backend::{
    Access, AdaptiveSpin, AtomicI8, AtomicI16, AtomicI32, AtomicI64, AtomicU8, AtomicU16,
    AtomicU32, AtomicU64, Cell, CurrentThread, Entry, Futex, Granule, Lender, Node, Number,
    OwnEntries, Packet, Placement, ProcessInstance, Slot, Socket, Spin, Versioned, WordAddress,
    copy_bytes, copy_from_shared, copy_to_shared, entries, init_bytes, load_all, looks, millis,
    store_all,
};

pub(crate) use alloc_failure::{forget_alloc_failure, note_alloc_failure};
pub use buffers::release_buffers;
pub(crate) use buffers::{keep_buffer, take_buffer};
pub(crate) use child_stage::{child_stage, set_child_stage};
pub(crate) use clock::{Deadline, now};
pub(crate) use constructors::{Arguments, Constructor, Constructors};
pub(crate) use exec_path::exec_path;
#[cfg_attr(modelled, allow(unused_imports, reason = "a model's processes are threads"))]
pub(crate) use fd::{above_stdio, descriptor, descriptors, read_file};
pub(crate) use fork_cell::ForkCell;
pub(crate) use fork_list::ForkList;
pub(crate) use fork_local::ForkLocal;
pub(crate) use generation::{forget_generation, fork_generation};
pub(crate) use intervals::{Doubling, OneIn};
#[cfg_attr(modelled, allow(unused_imports, reason = "a model's memory is the heap's"))]
pub(crate) use memfd::{
    FOLDER, bytes_present, file_fits, keeps_size, memory_file, reserve, seal, unnamed_file,
};
pub(crate) use namespace::Namespace;
pub(crate) use number::Atomic;
pub(crate) use poll::poll;
pub(crate) use proc::{list_proc, proc_folder, read_proc, read_proc_of, write_proc};
pub(crate) use sibling::{Made, SiblingMaker, SiblingNumber};
pub(crate) use stat::Stat;
pub(crate) use std::sync::atomic::Ordering;
pub(crate) use threads::{had_threads, threads};
pub(crate) use unwind::contained;

/// Whether the memory that processes share lies in files. A model's is the heap's: its processes are
/// threads.
pub(crate) const MEMORY_HAS_FILES: bool = cfg!(not(modelled));

/// Whether an atomic must be made before it is used, and dropped after. On the machine it is bytes, and
/// zeros are one.
pub(crate) const ATOMICS_NEED_DROP: bool = std::mem::needs_drop::<AtomicU32>();

/// How a blocking wait on a [`Futex`] ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    /// Woken by a wake of this word.
    Woken,
    /// The value differed, or a signal came: look again.
    Changed,
    /// A slice of the wait is over, the deadline is not: look whether those waited for still live.
    Slice,
    /// The deadline has passed.
    TimedOut,
}

/// How a sleep on several words ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(modelled, allow(dead_code, reason = "a model's words have no addresses"))]
pub(crate) enum WordsWait {
    /// By a wake of the word at this place in the list. Others may have been woken as well.
    Woken(usize),
    /// One of the words differed or was not there, or a signal came.
    Changed,
    /// The deadline has passed. None was woken.
    TimedOut,
    /// There is no such call (before Linux 5.16, or in a sandbox), or the kernel is short of memory.
    Refused,
}

/// A direction of a [`Socket`], as seen from one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Receive,
    Send,
}

/// Why a [`Socket`] did not do what it was asked.
#[derive(Debug)]
#[cfg_attr(modelled, allow(dead_code, reason = "in a model no system call fails and nobody lies"))]
pub(crate) enum Refused {
    /// Nothing to receive, or no room to send: wait for it.
    NotNow,
    /// Nobody is at the other end any more, and all that was sent is received.
    Gone,
    /// What the other end sent is not a message.
    Garbage(&'static str),
    /// The message is longer than the files may be that this process makes.
    FileSizeLimit(FileSizeLimit),
    /// A system call failed.
    Os(&'static str, std::io::Error),
}

/// What [`Futex::wake_op`] does to the word, in one step with the wake.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::enum_variant_names, reason = "each is an operation on one bit")]
pub(crate) enum Op {
    /// `word = 1 << n`
    SetBit(u32),
    /// `word |= 1 << n`
    OrBit(u32),
    /// `word &= !(1 << n)`
    ClearBit(u32),
    /// `word += 1 << n`
    AddBit(u32),
}

/// Wakes every sleeper. The kernel takes an `i32`: `u32::MAX` would wake one.
pub(crate) const ALL: u32 = i32::MAX as u32;

/// A function that is `const` on the machine; a model's atomics cannot be made in a const.
#[cfg(not(modelled))]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}
#[cfg(modelled)]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}
pub(crate) use const_fn;
