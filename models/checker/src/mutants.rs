//! Mutants: the same source with one thing weakened, such as an ordering, a count or a comparison. A model
//! that is to show that the thing matters must fail with it.
//!
//! What can be weakened is a *site*, known by a name or by its place in the source. A program asks at each
//! whether that is the one ([`is_on`]), and says with which value it went on ([`passed`]);
//! [`mutant!`](crate::mutant) does both.
//!
//! The threads of a model are coroutines of one OS thread. So a thread-local is one switch a model, and
//! models that run side by side have each their own.

use std::any::type_name;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fmt;
use std::panic::Location;
use std::sync::atomic::Ordering;

/// What can be weakened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// By a name that no other has.
    Name(&'static str),
    /// By where it stands.
    Place {
        /// As the compiler has it.
        file: &'static str,
        /// From 1.
        line: u32,
        /// From 1.
        column: u32,
    },
}

impl From<&'static str> for Site {
    fn from(name: &'static str) -> Self {
        Site::Name(name)
    }
}

impl From<&'static Location<'static>> for Site {
    fn from(at: &'static Location<'static>) -> Self {
        Site::Place { file: at.file(), line: at.line(), column: at.column() }
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Site::Name(name) => f.write_str(name),
            Site::Place { file, line, column } => write!(f, "{file}:{line}:{column}"),
        }
    }
}

thread_local! {
    static MUTANT: Cell<Option<Site>> = const { Cell::new(None) };
    static SEEN: RefCell<BTreeMap<Site, bool>> = const { RefCell::new(BTreeMap::new()) };
}

/// Runs `model` with this site weakened.
pub fn with<R>(site: impl Into<Site>, model: impl FnOnce() -> R) -> R {
    struct Restore(Option<Site>);
    impl Drop for Restore {
        fn drop(&mut self) {
            MUTANT.set(self.0);
        }
    }
    let _restore = Restore(MUTANT.replace(Some(site.into())));
    model()
}

/// Whether this is the site that is weakened.
pub fn is_on(site: impl Into<Site>) -> bool {
    MUTANT.get() == Some(site.into())
}

/// Records that the site was passed, and gives the value back.
pub fn passed<T>(site: impl Into<Site>, value: T) -> T {
    let is_ordering = type_name::<T>() == type_name::<Ordering>();
    SEEN.with_borrow_mut(|seen| seen.insert(site.into(), is_ordering));
    value
}

/// Begins a new record of [`seen`].
pub fn forget_seen() {
    SEEN.take();
}

/// The sites that models of this OS thread have passed since [`forget_seen`], and whether each is an
/// ordering.
pub fn seen() -> BTreeMap<Site, bool> {
    SEEN.with_borrow(BTreeMap::clone)
}

/// `mutant!("name", strong => weak)` is `strong`, or `weak` while that mutant is on: see
/// [`mutants`](crate::mutants).
#[macro_export]
macro_rules! mutant {
    ($site:expr, $strong:expr => $weak:expr) => {
        $crate::mutants::passed($site, if $crate::mutants::is_on($site) { $weak } else { $strong })
    };
}
