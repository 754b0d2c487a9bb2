//! The calling thread, and its robust list.

use multiproc_checker::{robust, thread};

use crate::sys::{Futex, ProcessInstance};

pub(crate) type Slot = u32;

#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct CurrentThread(());

#[derive(Debug)]
pub(crate) struct Node(robust::Node);

impl Node {
    pub(crate) fn of(word: &Futex) -> Self {
        Node(robust::Node::of(word.atomic()))
    }

    /// It is told which word it is.
    pub(crate) const fn finds(_: usize, _: usize) -> bool {
        true
    }
}

impl CurrentThread {
    pub(crate) fn current() -> Self {
        CurrentThread(())
    }

    /// A model's processes are threads, and none forks.
    pub(crate) fn after_fork() {}

    pub(crate) fn tid(self) -> u32 {
        thread::name()
    }

    /// No lock of a model is in private memory.
    pub(crate) fn name(self) -> u32 {
        self.tid()
    }

    pub(crate) fn life(self) -> u64 {
        ProcessInstance::current()
    }

    pub(crate) fn begin(self, node: &Node) -> u32 {
        robust::set_pending(node.0);
        self.tid()
    }

    pub(crate) fn end(self) {
        robust::clear_pending();
    }

    pub(crate) fn link(self, node: &Node) -> Slot {
        robust::link(node.0);
        1
    }

    pub(crate) fn unlink(self, node: &Node, _: Slot) -> bool {
        robust::unlink(node.0);
        true
    }

    /// There is no list that knows better than the lock's word.
    pub(crate) fn slot_of(self, _: &Node, names_me: impl FnOnce() -> bool) -> Option<Slot> {
        names_me().then_some(1)
    }

    pub(crate) fn held() -> usize {
        0
    }

    pub(crate) fn holds_in(_: std::ops::Range<usize>) -> bool {
        false
    }

    pub(crate) fn has_left(life: u64, _: &Node, _: bool) -> bool {
        ProcessInstance::has_exited(life)
    }

    /// Asked only when a slice of a wait has ended.
    pub(crate) fn is_dead(tid: u32, _: &Node, _: bool) -> bool {
        robust::is_dead(tid)
    }
}
