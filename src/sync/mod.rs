//! Floor 3: one primitive a file, the same between threads and between processes.

mod barrier;
mod bounded_semaphore;
mod condition;
pub(crate) mod element;
mod event;
mod lock;
mod owed;
mod participants;
mod raw_lock;
mod rlock;
mod robust_semaphore;
mod semaphore;
mod throttle;
mod value;
mod waiters;

pub use barrier::Barrier;
pub use bounded_semaphore::BoundedSemaphore;
pub use condition::{Condition, ConditionGuard};
pub use element::Element;
pub use event::Event;
pub use lock::{Lock, LockGuard};
pub(crate) use raw_lock::{Hold, RawLock};
pub use rlock::{RLock, RLockGuard};
pub use robust_semaphore::{RobustPermit, RobustSemaphore};
pub use semaphore::{Permit, Semaphore};
pub use value::Value;
pub(crate) use waiters::wake_and_clear;
