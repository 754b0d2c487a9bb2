//! Take a permit and give it back.

use multiproc::{Semaphore, Shared};

use crate::pthread::Sem;
use crate::{Contender, Workload};

/// By one thread, with permits to spare.
pub(crate) fn uncontended() -> Workload {
    let ours = Shared::new(Semaphore::new(3)).expect("a page of shared memory");
    let sem = Sem::new(3);
    Workload {
        name: "semaphore, uncontended",
        contenders: vec![
            Contender::looped("multiproc, shared", move || drop(ours.acquire())),
            Contender::looped("sem_t", move || sem.with(|| ())).goal(1.0),
        ],
    }
}
