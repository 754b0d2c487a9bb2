//! Lock and unlock.

use multiproc::{Lock, Shared};

use crate::pthread::RobustMutex;
use crate::{Implementation, Workload};

/// By one thread, without contention.
pub(crate) fn uncontended() -> Workload {
    let ours = Shared::new(Lock::new(0u64)).expect("a page of shared memory");
    let private = Box::new(Lock::new(0u64));
    let parking_lot = Box::new(parking_lot::Mutex::new(0u64));
    let std = Box::new(std::sync::Mutex::new(0u64));
    let robust = RobustMutex::new();
    let mut under_robust = 0u64;
    Workload {
        name: "lock, uncontended",
        implementations: vec![
            Implementation::looped("multiproc, shared", move || *ours.lock().unwrap() += 1),
            Implementation::looped("multiproc, private", move || *private.lock().unwrap() += 1),
            Implementation::looped("parking_lot", move || *parking_lot.lock() += 1).goal(1.15),
            Implementation::looped("std", move || *std.lock().unwrap() += 1),
            Implementation::looped("pthread robust, shared", move || {
                robust.with(|| under_robust += 1);
                under_robust
            })
            .goal(0.8),
        ],
    }
}
