//! The calling thread of a model. With loom no thread dies, so its list is empty steps; in a search
//! it may be killed at each of them.

use std::hash::{Hash, Hasher};

use crate::sys::model::world::{self, Var};
use crate::sys::{Life, Word};

pub(crate) type Slot = u32;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Me(());

#[derive(Debug)]
pub(crate) struct Node {
    /// The word of the lock, in a search.
    word: Option<Var>,
}

impl Node {
    pub(crate) fn of(word: &Word) -> Self {
        Node { word: word.var() }
    }
}

/// Which thread of the model it is, from 0.
pub(super) fn me() -> usize {
    /// loom's number of the thread: the last word that its id hashes.
    struct Last(usize);
    impl Hasher for Last {
        fn write(&mut self, _: &[u8]) {}
        fn write_usize(&mut self, n: usize) {
            self.0 = n;
        }
        fn finish(&self) -> u64 {
            self.0 as u64
        }
    }
    if world::is_here() {
        return world::with(|world| world.current());
    }
    let mut last = Last(0);
    loom::thread::current().id().hash(&mut last);
    last.0
}

impl Me {
    pub(crate) fn current() -> Self {
        Me(())
    }

    pub(crate) fn tid(self) -> u32 {
        if world::is_here() { world::my_name() } else { me() as u32 + 1 }
    }

    /// No lock of a model is in private memory.
    pub(crate) fn name(self) -> u32 {
        self.tid()
    }

    pub(crate) fn life(self) -> u64 {
        u64::from(self.tid())
    }

    pub(crate) fn begin(self, node: &Node) -> u32 {
        if let Some(word) = node.word {
            world::private_step("sets the pending entry");
            world::set_pending(Some(word));
        }
        self.tid()
    }

    pub(crate) fn end(self) {
        if world::is_here() {
            world::private_step("clears the pending entry");
            world::set_pending(None);
        }
    }

    pub(crate) fn link(self, node: &Node) -> Slot {
        if let Some(word) = node.word {
            world::private_step("puts it on the list");
            world::hold(word);
        }
        1
    }

    pub(crate) fn unlink(self, node: &Node, _: Slot) -> bool {
        if let Some(word) = node.word {
            world::private_step("takes it off the list");
            world::let_go(word);
        }
        true
    }

    /// There is no list that knows better than the lock's word.
    pub(crate) fn slot_of(self, _: &Node) -> Option<Slot> {
        Some(1)
    }

    pub(crate) fn held() -> usize {
        0
    }

    pub(crate) fn holds_in(_: std::ops::Range<usize>) -> bool {
        false
    }

    /// A thread of a model lends nothing to another, so nobody asks.
    pub(crate) fn has_left(life: u64, _: &Node, _: bool) -> bool {
        Life::is_over(life)
    }

    /// Asked only when a slice of a wait has ended.
    pub(crate) fn is_gone(tid: u32, _: &Node, _: bool) -> bool {
        world::is_here() && world::ask_after(u64::from(tid))
    }
}
