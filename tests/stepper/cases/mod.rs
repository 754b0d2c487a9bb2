//! All cases by name.

mod barrier;
mod condition;
mod control;
mod event;
mod lock;
mod pool;
mod queue;
mod rlock;
mod robust_semaphore;
mod semaphore;
mod shared_array;

use multiproc::{Lock, Queue, Shared};

use crate::trial::Case;

pub(crate) const ALL: &[(&str, Case)] = &[
    ("lock: lock and unlock", lock::uncontended),
    ("lock: unlock, one asleep", lock::unlock),
    ("lock: unlock, one asleep, one overtaking", lock::unlock_and_overtake),
    ("lock: lock, woken, another asleep", lock::woken),
    ("lock: lock, woken, another asleep, one overtaking", lock::woken_and_overtake),
    ("lock: take over from a dead owner", lock::take_over),
    ("lock: three at once", lock::three),
    ("lock: one more than the record has room for", lock::many),
    ("lock: time out", lock::time_out),
    ("rlock: lock twice and unlock", rlock::uncontended),
    ("rlock: unlock twice, one asleep", rlock::unlock),
    ("rlock: lock twice, woken, another asleep", rlock::woken),
    ("semaphore: acquire and give back", semaphore::uncontended),
    ("semaphore: release, one asleep", semaphore::release),
    ("semaphore: release, one asleep, one overtaking", semaphore::release_and_overtake),
    ("semaphore: release two, two asleep", semaphore::release_two),
    ("semaphore: acquire, woken, another asleep", semaphore::woken),
    ("semaphore: acquire, woken, another asleep, one overtaking", semaphore::woken_and_overtake),
    ("robust: acquire and give back", robust_semaphore::uncontended),
    ("robust: give back, one asleep", robust_semaphore::give),
    ("robust: give back, one asleep, one overtaking", robust_semaphore::give_and_overtake),
    ("robust: release two, two asleep", robust_semaphore::release_two),
    ("robust: forget, one asleep", robust_semaphore::forget_one),
    ("robust: acquire, woken", robust_semaphore::woken),
    ("robust: acquire, woken, one overtaking", robust_semaphore::woken_and_overtake),
    ("robust: acquire a dead process's permit", robust_semaphore::find_dead),
    ("event: set, two asleep", event::set),
    ("event: set and clear, one asleep", event::set_and_clear),
    ("event: wait, woken, another asleep", event::woken),
    ("condition: change and notify one, two asleep", condition::notify_one),
    ("condition: change and notify two, two asleep", condition::notify_two),
    ("condition: change and notify all, two asleep", condition::notify_all),
    ("condition: wait, woken, another asleep", condition::woken),
    ("condition: time out, another asleep", condition::time_out),
    ("barrier: arrive last, two asleep", barrier::last),
    ("barrier: arrive last and run the action, two asleep", barrier::action),
    ("barrier: arrive first, woken, another asleep", barrier::woken),
    ("barrier: time out, two asleep", barrier::time_out),
    ("barrier: reset, two asleep", barrier::reset),
    ("queue: put, empty", queue::put_empty),
    ("queue: put, one slot left", queue::put_last_slot),
    ("queue: get, full", queue::get_full),
    ("queue: put, a consumer asleep", queue::put_consumer_asleep),
    ("queue: get, a producer asleep", queue::get_producer_asleep),
    ("queue: get, woken, another asleep", queue::get_woken),
    ("queue: put, woken, another asleep", queue::put_woken),
    ("queue: close, two consumers asleep", queue::close_consumers_asleep),
    ("queue: close, two producers asleep", queue::close_producers_asleep),
    ("queue: task_done, one asleep in join", queue::task_done),
    ("array: lock and unlock", shared_array::uncontended),
    ("array: unlock, one asleep", shared_array::unlock),
    ("pool: return a result and take a task, another worker busy", pool::other_worker_busy),
    ("pool: return a result and take a task, more pending", pool::only_worker),
    ("control: plain futex lock", control::plain),
    ("control: glibc's unlock, one asleep, one overtaking", control::glibc_unlock),
    ("control: glibc's lock, woken, another asleep, one overtaking", control::glibc_woken),
];

/// Does what a process does only once, so that these instructions are not counted.
pub(crate) fn warm_up() {
    let lock = Shared::new(Lock::new(0)).unwrap();
    *lock.lock().unwrap() += 1;
    let queue = Queue::bounded(1).unwrap();
    queue.put([0u64; 8]).unwrap();
    queue.get().unwrap();
}
