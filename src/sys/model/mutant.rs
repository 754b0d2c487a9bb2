//! Which site is weakened in this model, if any.
//!
//! loom runs the threads of a model as coroutines of one OS thread, so a plain thread-local is
//! one switch a model, and models that run side by side do not meet.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::sys::Ordering;

thread_local! {
    static MUTANT: Cell<Option<&'static str>> = const { Cell::new(None) };
    static SEEN: RefCell<BTreeMap<&'static str, bool>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs `model` with the site `name` weakened. For models only.
#[doc(hidden)]
pub fn mutate<R>(name: &'static str, model: impl FnOnce() -> R) -> R {
    struct Restore(Option<&'static str>);
    impl Drop for Restore {
        fn drop(&mut self) {
            MUTANT.set(self.0);
        }
    }
    let _restore = Restore(MUTANT.replace(Some(name)));
    model()
}

/// Begins a new list of [`sites_seen`].
#[doc(hidden)]
pub fn forget_sites_seen() {
    SEEN.take();
}

/// The sites that models of this thread have passed since [`forget_sites_seen`], and whether each is
/// an ordering.
#[doc(hidden)]
pub fn sites_seen() -> BTreeMap<&'static str, bool> {
    SEEN.with_borrow(BTreeMap::clone)
}

/// A site is passed with this value.
pub(crate) fn passed<T>(name: &'static str, value: T) -> T {
    let is_ordering = type_name::<T>() == type_name::<Ordering>();
    SEEN.with_borrow_mut(|seen| seen.insert(name, is_ordering));
    value
}

pub(crate) fn mutated(name: &'static str) -> bool {
    MUTANT.get() == Some(name)
}
