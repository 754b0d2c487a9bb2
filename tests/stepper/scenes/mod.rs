//! Every scene by its name.

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

use crate::cut::Scene;

pub(crate) const ALL: &[(&str, Scene)] = &[
    ("lock: lock and unlock", lock::uncontended),
    ("lock: unlock, one asleep", lock::unlock),
    ("lock: unlock, one asleep, one barging in", lock::unlock_and_barge),
    ("lock: lock, woken, another asleep", lock::woken),
    ("lock: lock, woken, another asleep, one barging in", lock::woken_and_barge),
    ("lock: take over from a dead owner", lock::take_over),
    ("lock: three at once", lock::three),
    ("lock: one more than there was room for", lock::many),
    ("lock: give up", lock::give_up),
    ("rlock: lock twice and unlock", rlock::uncontended),
    ("rlock: unlock twice, one asleep", rlock::unlock),
    ("rlock: lock twice, woken, another asleep", rlock::woken),
    ("semaphore: acquire and give back", semaphore::uncontended),
    ("semaphore: release, one asleep", semaphore::release),
    ("semaphore: release, one asleep, one barging in", semaphore::release_and_barge),
    ("semaphore: release two, two asleep", semaphore::release_two),
    ("semaphore: acquire, woken, another asleep", semaphore::woken),
    ("semaphore: acquire, woken, another asleep, one barging in", semaphore::woken_and_barge),
    ("robust: acquire and give back", robust_semaphore::uncontended),
    ("robust: give back, one asleep", robust_semaphore::give),
    ("robust: give back, one asleep, one barging in", robust_semaphore::give_and_barge),
    ("robust: release two, two asleep", robust_semaphore::release_two),
    ("robust: forget, one asleep", robust_semaphore::forget_one),
    ("robust: acquire, woken", robust_semaphore::woken),
    ("robust: acquire, woken, one barging in", robust_semaphore::woken_and_barge),
    ("robust: acquire from the dead", robust_semaphore::find_dead),
    ("event: set, two asleep", event::set),
    ("event: set and clear, one asleep", event::set_and_clear),
    ("event: wait, woken, another asleep", event::woken),
    ("condition: change and notify one, two asleep", condition::notify_one),
    ("condition: change and notify two, two asleep", condition::notify_two),
    ("condition: change and notify all, two asleep", condition::notify_all),
    ("condition: wait, woken, another asleep", condition::woken),
    ("condition: give up, another asleep", condition::give_up),
    ("barrier: come last, two asleep", barrier::last),
    ("barrier: come last and act, two asleep", barrier::act),
    ("barrier: come first, woken, another asleep", barrier::woken),
    ("barrier: give up, two asleep", barrier::give_up),
    ("barrier: reset, two asleep", barrier::reset),
    ("queue: put, empty", queue::put_empty),
    ("queue: put, one place left", queue::put_last_place),
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
    ("pool: hand in and take a task, another at work", pool::beside_another),
    ("pool: hand in and take a task, more pending", pool::alone),
    ("control: plain futex lock", control::plain),
    ("control: glibc's unlock, one asleep, one barging in", control::glibc_unlock),
    ("control: glibc's lock, woken, another asleep, one barging in", control::glibc_woken),
];

/// Does what each process does once, so that it is not among the instructions counted.
pub(crate) fn warm_up() {
    let lock = Shared::new(Lock::new(0)).unwrap();
    *lock.lock().unwrap() += 1;
    let queue = Queue::bounded(1).unwrap();
    queue.put([0u64; 8]).unwrap();
    queue.get().unwrap();
}
