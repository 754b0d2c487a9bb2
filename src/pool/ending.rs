//! Pools that are still there when the process ends: they are terminated, before the children are
//! waited for, or their managers would go on replacing the workers. So is one that a thread makes
//! later, while the process ends. A fork's copies of pools are none of the fork's.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::pool::manager::Manager;
use crate::pool::tasks::Stage;
use crate::runtime::{ExitHook, ExitOrder, is_ending, register};
use crate::sys::ForkLocal;

static MANAGERS: ForkLocal<Mutex<Vec<Weak<Manager>>>> = ForkLocal::new(|| Mutex::new(Vec::new()));

fn managers() -> MutexGuard<'static, Vec<Weak<Manager>>> {
    // Nothing that is done under the lock leaves the list half changed.
    MANAGERS.get().lock().unwrap_or_else(PoisonError::into_inner)
}

/// Notes a pool that is to be terminated when the process ends.
pub(super) fn add(manager: &Arc<Manager>) {
    // A fork begins with a list of its own.
    register(ExitHook { order: ExitOrder::Pools, at_end, after_fork: || {} });
    {
        let mut managers = managers();
        managers.retain(|known| known.strong_count() > 0);
        managers.push(Arc::downgrade(manager));
    }
    // In this order: one that is not seen here was noted before the others were looked for.
    if is_ending() {
        manager.advance(Stage::Terminated);
    }
}

fn at_end() {
    let managers: Vec<_> = managers().drain(..).collect();
    for manager in managers.iter().filter_map(Weak::upgrade) {
        manager.advance(Stage::Terminated);
        let _ = manager.join();
    }
}
