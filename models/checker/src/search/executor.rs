//! How the search executes a model.

use std::rc::Rc;

use super::execution;
use super::objects::{Atomic, Cell, Plain, SearchThread};
use crate::executor::{
    At, AtomicObject, CellData, CellObject, Executor, Knowledge, ListChange, PlainObject, Start,
    ThreadId, ThreadObject,
};
use crate::trace::Label;

/// The search, as an executor.
pub(crate) struct BySearch;

impl Executor for BySearch {
    fn atomic(&self, value: u64, bits: u32, label: Label) -> Box<dyn AtomicObject> {
        Box::new(Atomic { id: execution::make(value, label), bits })
    }

    fn plain(&self, value: u64, label: Label) -> Box<dyn PlainObject> {
        Box::new(Plain(execution::make(value, label)))
    }

    fn cell(&self, data: CellData) -> Box<dyn CellObject> {
        Box::new(Cell::new(data))
    }

    fn add_to_state(&self, digest: Rc<dyn Fn() -> u64>) {
        execution::enter(digest);
    }

    fn spawn(&self, start: Start) -> Box<dyn ThreadObject> {
        Box::new(SearchThread(execution::spawn(start)))
    }

    fn new_kind(&self) -> Option<u32> {
        Some(execution::kind())
    }

    fn current(&self) -> ThreadId {
        execution::with(|execution| execution.current())
    }

    fn name(&self) -> u32 {
        execution::my_name()
    }

    fn sleepers(&self) -> usize {
        execution::sleepers()
    }

    fn let_sleep(&self, n: usize) {
        execution::let_sleep(n);
    }

    fn explore(&self, on: bool) {
        execution::explore_single_path(!on);
    }

    fn observe(&self, what: u64) {
        execution::observe(what);
    }

    fn knowledge(&self) -> Knowledge {
        execution::knowledge()
    }

    fn knows_again(&self, knowledge: &Knowledge, values: &[u64], at: At) {
        execution::knows_again(knowledge, values, at);
    }

    fn forget_all_but(&self, what: u64) {
        execution::forget_all_but(what);
    }

    fn has_deaths(&self) -> bool {
        execution::with(|execution| execution.has_deaths())
    }

    fn is_dead(&self, name: u32) -> bool {
        execution::is_named_dead(name)
    }

    fn is_dead_in_step(&self, name: u32) -> bool {
        execution::is_named_dead_in_step(name)
    }

    fn private_step(&self, what: &'static str) {
        execution::private_step(what);
    }

    fn change_list(&self, change: ListChange) {
        execution::change_list(change);
    }

    fn millis(&self) -> u32 {
        execution::millis()
    }

    fn is_late(&self) -> bool {
        execution::is_late()
    }
}
