//! An atomic, a plain number, a cell and a thread, as the search has them.

use std::cell::Cell as StdCell;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::atomic::Ordering;

use super::execution;
use crate::executor::{
    Access, At, AtomicObject, CellAccess, CellData, CellObject, Change, PlainObject, ThreadId,
    ThreadObject, VariableId, Wakes, digest,
};
use crate::futex::{Timeouts, Wait};

#[derive(Debug)]
pub(super) struct Atomic {
    pub(super) id: VariableId,
    pub(super) bits: u32,
}

impl AtomicObject for Atomic {
    fn access(&self, access: Access) -> u64 {
        execution::access(self.id, access.what, access.at, |value| {
            let before = *value;
            *value = access.change.apply(before, self.bits);
            match access.change {
                Change::Store(after) => after,
                _ => before,
            }
        })
    }

    fn wait(&self, expected: Option<u64>, timeouts: Timeouts, at: At) -> Wait {
        execution::wait(self.id, expected, timeouts, at)
    }

    fn wake(&self, wakes: Wakes, access: Option<Access>, at: At) -> u32 {
        let (what, change) =
            access.map_or(("wake", Change::None), |access| (access.what, access.change));
        execution::wake(self.id, wakes, what, at, |value| *value = change.apply(*value, self.bits))
    }

    fn see_version(&self, at: At) {
        execution::see_version(self.id, at);
    }

    fn exchange_version(
        &self,
        old: u64,
        new: u64,
        _: Ordering,
        since: bool,
        at: At,
    ) -> Result<(), u64> {
        execution::exchange_version(self.id, old, new, since, at)
    }

    fn id(&self) -> Option<VariableId> {
        Some(self.id)
    }
}

#[derive(Debug)]
pub(super) struct Plain(pub(super) VariableId);

impl PlainObject for Plain {
    fn read(&self) -> u64 {
        execution::peek(self.0)
    }

    fn write(&self, value: u64) {
        execution::poke(self.0, value);
    }

    fn read_in_step(&self, at: At) -> u64 {
        execution::access(self.0, "read", at, |value| *value)
    }

    fn write_in_step(&self, value: u64, at: At) {
        execution::access(self.0, "write", at, |place| {
            *place = value;
            value
        });
    }
}

/// Part of the state until it is dropped.
#[derive(Debug)]
pub(super) struct Cell {
    state: Rc<CellState>,
    entered: usize,
}

#[derive(Debug)]
struct CellState {
    data: CellData,
    /// Who has access. It may have been killed since.
    taken: StdCell<Option<ThreadId>>,
    /// What those knew who changed it: stands for data that is no number. (What is changed through a
    /// shared reference is a variable or a cell itself.)
    history: StdCell<u64>,
}

impl CellState {
    fn digest_of_data(&self) -> u64 {
        let Some(len) = self.data.len else { return self.history.get() };
        let mut hasher = DefaultHasher::new();
        for i in 0..len {
            // SAFETY: within the value, of which each byte is initialised; it is there as long as the cell,
            // which asks, and so does the execution until the cell is dropped. The threads of a search are
            // coroutines, so nobody writes now.
            unsafe { self.data.bytes.add(i).read() }.hash(&mut hasher);
        }
        hasher.finish()
    }
}

impl Cell {
    pub(super) fn new(data: CellData) -> Self {
        let state = CellState { data, taken: StdCell::new(None), history: StdCell::new(0) };
        let state = Rc::new(state);
        let seen = state.clone();
        let digest = move || seen.digest_of_data() ^ u64::from(seen.taken.get().is_some());
        Cell { state, entered: execution::enter(Rc::new(digest)) }
    }
}

impl Drop for Cell {
    fn drop(&mut self) {
        execution::remove(self.entered);
    }
}

impl CellObject for Cell {
    fn access(&self) -> Box<dyn CellAccess> {
        let thread = execution::with(|execution| {
            let thread = execution.current();
            let other = self.state.taken.replace(Some(thread));
            let is_free = other.is_none_or(|other| !execution.lives(other));
            assert!(is_free || std::thread::panicking(), "two have access");
            thread
        });
        execution::observe(self.state.digest_of_data());
        Box::new(CellAccessed { state: self.state.clone(), thread, changed: StdCell::new(false) })
    }
}

#[derive(Debug)]
struct CellAccessed {
    state: Rc<CellState>,
    thread: ThreadId,
    changed: StdCell<bool>,
}

impl CellAccess for CellAccessed {
    fn changes(&self) {
        self.changed.set(true);
    }
}

impl Drop for CellAccessed {
    fn drop(&mut self) {
        let CellState { data, taken, history } = &*self.state;
        if taken.get() == Some(self.thread) {
            taken.set(None);
        }
        if self.changed.get() && data.len.is_none() && !std::thread::panicking() {
            history.set(digest((history.get(), execution::memory())));
        }
    }
}

#[derive(Debug)]
pub(super) struct SearchThread(pub(super) ThreadId);

impl ThreadObject for SearchThread {
    fn id(&self) -> ThreadId {
        self.0
    }

    fn join(self: Box<Self>) -> Option<ThreadId> {
        execution::join(self.0)
    }
}
