//! Pools that are still there when the process ends: they are terminated, before the children are
//! waited for, or their managers would go on replacing the workers. So is one that a thread makes
//! later, while the process ends. A fork's copies of pools are none of the fork's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::pool::board::Stage;
use crate::pool::crew::Crew;
use crate::runtime::{ExitHook, ExitOrder, is_ending, register};
use crate::sys::ForkLocal;

static CREWS: ForkLocal<Mutex<Vec<Weak<Crew>>>> = ForkLocal::new(|| Mutex::new(Vec::new()));

fn crews() -> MutexGuard<'static, Vec<Weak<Crew>>> {
    // Nothing that is done under the lock leaves the list half changed.
    CREWS.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a pool that is to be terminated when the process ends.
pub(super) fn add(crew: &Arc<Crew>) {
    // A fork begins with a list of its own.
    register(ExitHook { order: ExitOrder::Pools, at_end, after_fork: || {} });
    {
        let mut crews = crews();
        crews.retain(|known| known.strong_count() > 0);
        crews.push(Arc::downgrade(crew));
    }
    // In this order: one that is not seen here was noted before the others were looked for.
    if is_ending() {
        crew.advance(Stage::Terminated);
    }
}

fn at_end() {
    let crews: Vec<_> = crews().drain(..).collect();
    for crew in crews.iter().filter_map(Weak::upgrade) {
        crew.advance(Stage::Terminated);
        let _ = crew.join();
    }
}
