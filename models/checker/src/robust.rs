//! The robust list of a thread, as the kernel keeps to it (see `set_robust_list(2)`).
//!
//! A lock of this protocol is a 32-bit word: 0 in the bits of [`OWNER`] when it is free, or its owner's
//! [`name`](crate::thread::name), and [`WAITERS`] when somebody waits. Its owner has it on a list; while it
//! takes the lock or gives it back, in the *pending entry*. When a thread is killed, the kernel goes through
//! that list, the lock that was taken last first, and the pending entry last:
//!
//! * A word with the name of the dead loses it, and keeps [`WAITERS`]; it gets [`OWNER_DIED`]; and one of
//!   those who wait is woken, where [`WAITERS`] is set.
//! * Of a word that is free, and pending, one of those who wait is woken: the dead may have been about to.
//! * Any other is left alone.
//!
//! Between two of these others can run. (Each of them is a mutant: `kernel.marks`, `kernel.keeps.waiters`,
//! `kernel.wakes.heir`, `kernel.wakes.next`.)
//!
//! Each change of a list is a step at which the search may kill the thread, and which nobody else sees. In
//! a thread that is not mortal, and by loom, which kills nobody, it is nothing.

use crate::atomic::AtomicU32;
use crate::executor::{ListChange, ThreadId, VariableId, executor};

/// Where an owner's name stands in the word of a lock (the kernel's `FUTEX_TID_MASK`).
pub const OWNER: u32 = 0x3FFF_FFFF;
/// Set by the kernel: the owner was killed (`FUTEX_OWNER_DIED`).
pub const OWNER_DIED: u32 = 0x4000_0000;
/// Somebody waits (`FUTEX_WAITERS`).
pub const WAITERS: u32 = 0x8000_0000;

/// By what names the search knows threads: such odd numbers that no count comes to them. So they are
/// recognised wherever they stand, and threads that are alike can be exchanged.
const FIRST_NAME: u32 = 0x2A51_7C60;
/// The bits that all names have in common.
const NAMES: u32 = 0x3FFF_FFE0;

/// As many threads have names.
pub(crate) const MOST_THREADS: usize = (OWNER & !NAMES) as usize + 1;

/// The name with this number, by the search.
pub(crate) fn name_of(number: ThreadId) -> u32 {
    FIRST_NAME | number as u32
}

/// The number in the name that stands in the bits of [`OWNER`]: that of the first thread of that name.
pub(crate) fn thread_named(value: u64) -> Option<ThreadId> {
    let is_name = value & u64::from(NAMES) == u64::from(FIRST_NAME);
    is_name.then_some((value & u64::from(OWNER & !NAMES)) as ThreadId)
}

/// The value without an owner's name.
pub(crate) fn without_name(value: u64) -> u64 {
    value & !u64::from(OWNER)
}

/// An entry of a robust list: the word of a lock, wherever that is moved.
#[derive(Clone, Copy, Debug)]
pub struct Node(Option<VariableId>);

impl Node {
    /// For the lock of this word.
    pub fn of(word: &AtomicU32) -> Self {
        Node(word.object().id())
    }

    fn change(self, what: &'static str, change: impl FnOnce(VariableId) -> ListChange) {
        if let Some(word) = self.0 {
            executor().private_step(what);
            executor().change_list(change(word));
        }
    }
}

/// The caller is about to take the lock, or to give it back: has it pending.
pub fn set_pending(node: Node) {
    node.change("sets the pending entry", ListChange::SetPending);
}

/// The caller has taken the lock or given it back: nothing is pending.
pub fn clear_pending() {
    executor().private_step("clears the pending entry");
    executor().change_list(ListChange::ClearPending);
}

/// Puts the lock on the caller's list.
pub fn link(node: Node) {
    node.change("puts it on the list", ListChange::Add);
}

/// Takes the lock off the caller's list.
pub fn unlink(node: Node) {
    node.change("takes it off the list", ListChange::Remove);
}

/// Whether the thread of this name was killed, and the kernel is through with its list; and no other
/// [got its number](crate::thread::spawn_with_number) since. It is what one who waited for a slice in vain
/// would ask, and a step of the model.
pub fn is_dead(name: u32) -> bool {
    executor().is_dead_in_step(name)
}
