//! How loom executes a model.

use std::cell::Cell;

use loom::cell::UnsafeCell;

use super::atomic::{self, Atomic};
use super::thread::{self, LoomThread};
use crate::executor::{
    AtomicObject, CellData, CellObject, Executor, PlainObject, Start, ThreadId, ThreadObject,
};
use crate::trace::Label;

std::thread_local! {
    /// How many wait on a futex in the model that this OS thread runs.
    static SLEEPERS: Cell<usize> = const { Cell::new(0) };
}

/// So many more wait on a futex.
pub(super) fn add_sleepers(more: isize) {
    let now = SLEEPERS.get().checked_add_signed(more);
    SLEEPERS.set(now.expect("who waits no longer has waited"));
}

/// An interleaving begins: the last one may have failed while some waited.
pub(super) fn forget_sleepers() {
    SLEEPERS.set(0);
}

/// loom, as an executor.
pub(crate) struct ByLoom;

impl Executor for ByLoom {
    fn atomic(&self, value: u64, bits: u32, label: Label) -> Box<dyn AtomicObject> {
        Box::new(Atomic::new(value, bits, label))
    }

    fn plain(&self, value: u64, _: Label) -> Box<dyn PlainObject> {
        Box::new(atomic::Plain(UnsafeCell::new(value)))
    }

    fn cell(&self, _: CellData) -> Box<dyn CellObject> {
        Box::new(atomic::Cell(UnsafeCell::new(())))
    }

    fn spawn(&self, start: Start) -> Box<dyn ThreadObject> {
        Box::new(LoomThread::spawn(start.body))
    }

    fn current(&self) -> ThreadId {
        thread::current()
    }

    fn name(&self) -> u32 {
        thread::current() as u32 + 1
    }

    fn sleepers(&self) -> usize {
        SLEEPERS.get()
    }

    fn let_sleep(&self, n: usize) {
        while self.sleepers() < n {
            thread::yield_now();
        }
    }

    fn explore(&self, on: bool) {
        thread::explore(on);
    }

    fn observe(&self, _: u64) {
        thread::saw_others();
    }

    /// No slice of a wait ends, and so no time goes by.
    fn millis(&self) -> u32 {
        crate::time::START
    }
}
