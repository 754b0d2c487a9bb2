//! The calling thread of a model. No thread of a model dies, so its list is empty steps.

use std::hash::{Hash, Hasher};

pub(crate) type Slot = u32;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Me(());

#[derive(Debug)]
pub(crate) struct Node(());

impl Node {
    pub(crate) fn new() -> Self {
        Node(())
    }
}

impl Me {
    pub(crate) fn current() -> Self {
        Me(())
    }

    /// loom's number of the thread, from 1: the last word that its id hashes.
    pub(crate) fn tid(self) -> u32 {
        struct Last(u32);
        impl Hasher for Last {
            fn write(&mut self, _: &[u8]) {}
            fn write_usize(&mut self, n: usize) {
                self.0 = n as u32 + 1;
            }
            fn finish(&self) -> u64 {
                u64::from(self.0)
            }
        }
        let mut last = Last(0);
        loom::thread::current().id().hash(&mut last);
        last.0
    }

    pub(crate) fn begin(self, _: &Node) -> u32 {
        self.tid()
    }

    pub(crate) fn end(self) {}

    /// No lock of a model is in private memory.
    pub(crate) fn name(self) -> u32 {
        self.tid()
    }

    /// There is no list that knows better than the lock's word.
    pub(crate) fn slot_of(self, _: &Node) -> Option<Slot> {
        Some(1)
    }

    pub(crate) fn link(self, _: &Node) -> Slot {
        1
    }

    pub(crate) fn unlink(self, _: &Node, _: Slot) -> bool {
        true
    }

    pub(crate) fn held() -> usize {
        0
    }

    pub(crate) fn holds_in(_: std::ops::Range<usize>) -> bool {
        false
    }

    pub(crate) fn is_gone(_: u32, _: &Node, _: bool) -> bool {
        false
    }
}
