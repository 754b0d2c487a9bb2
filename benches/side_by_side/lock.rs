//! Lock and unlock.

use multiproc::{Lock, Shared};

use crate::pthread::RobustMutex;
use crate::{Contender, Workload};

/// By one thread, with nobody else around.
pub(crate) fn uncontended() -> Workload {
    let ours = Shared::new(Lock::new(0u64)).expect("a page of shared memory");
    let private = Box::new(Lock::new(0u64));
    let parking_lot = Box::new(parking_lot::Mutex::new(0u64));
    let std = Box::new(std::sync::Mutex::new(0u64));
    let robust = RobustMutex::new();
    let mut under_robust = 0u64;
    Workload {
        name: "lock, uncontended",
        contenders: vec![
            Contender::looped("multiproc, shared", move || *ours.lock().unwrap() += 1),
            Contender::looped("multiproc, private", move || *private.lock().unwrap() += 1),
            Contender::looped("parking_lot", move || *parking_lot.lock() += 1).goal(1.15),
            Contender::looped("std", move || *std.lock().unwrap() += 1),
            Contender::looped("pthread robust, shared", move || {
                robust.with(|| under_robust += 1);
                under_robust
            })
            .goal(0.8),
        ],
    }
}
