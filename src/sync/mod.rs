//! Floor 2: one primitive a file, the same between threads and between processes.

mod barrier;
mod bounded_semaphore;
mod condition;
mod event;
mod lock;
mod owed;
mod patrol;
mod raw_lock;
mod rlock;
mod robust_semaphore;
mod roster;
mod semaphore;

pub use barrier::Barrier;
pub use bounded_semaphore::BoundedSemaphore;
pub use condition::{Condition, ConditionGuard};
pub use event::Event;
pub use lock::{Lock, LockGuard};
pub(crate) use raw_lock::{Hold, RawLock};
pub use rlock::{RLock, RLockGuard};
pub use robust_semaphore::{RobustPermit, RobustSemaphore};
pub use semaphore::{Permit, Semaphore};
