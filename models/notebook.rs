//! What the notebook's scenarios claim, in the memory that its processes share. The scenarios of
//! the queue, the pipe and the array stand with their primitives: `queue::puts_five_gets_three`,
//! `pipe::two_senders`, `shared_array::carries`.

use loom::cell::UnsafeCell;
use loom::sync::atomic::{AtomicU32, Ordering::Relaxed};
use loom::thread;
use multiproc::{Event, Lock, Semaphore, Shared};
use std::sync::Arc;

use crate::harness::{Model, models, witness};

models! {
    lock: Model {
        shows: "one adds to a and b under the lock, the other looks: never a difference",
        floor: 173_000,
        witnesses: &["looked between", "lock.clear.all"],
        twins: &["lock.fast.acquire", "lock.unlock.release", "lock.slow.acquire"],
        run: || {
            let numbers = Shared::new(Lock::new((0, 0))).unwrap();
            let clone = numbers.clone();
            let adder = thread::spawn(move || {
                for _ in 0..2 {
                    let mut numbers = clone.lock().unwrap();
                    numbers.0 += 1;
                    numbers.1 += 1;
                }
            });
            for _ in 0..2 {
                let (a, b) = *numbers.lock().unwrap();
                assert_eq!(a, b);
                if a == 1 {
                    witness("looked between");
                }
            }
            adder.join().unwrap();
        },
    };

    semaphore: Model {
        shows: "never more inside than permits, and the final value is the first",
        floor: 4_700,
        witnesses: &["semaphore.wake.many", "inside"],
        twins: &["semaphore.wake.many"],
        run: || {
            let permits = Shared::new(Semaphore::new(1)).unwrap();
            // Seen by loom, or it would not look for two who are inside at once.
            let inside = Arc::new(AtomicU32::new(0));
            let workers = [(); 2].map(|()| {
                let (permits, inside) = (permits.clone(), inside.clone());
                thread::spawn(move || {
                    permits.acquire().forget();
                    assert_eq!(inside.fetch_add(1, Relaxed), 0);
                    witness("inside");
                    inside.fetch_sub(1, Relaxed);
                    permits.release(1).unwrap();
                })
            });
            workers.into_iter().for_each(|worker| worker.join().unwrap());
            assert_eq!(permits.value(), 1);
        },
    };

    event: Model {
        shows: "who waited always sees the password",
        floor: 77,
        witnesses: &["event.wake.all", "event.set.release"],
        twins: &["event.set.release", "event.wait.acquire"],
        run: || {
            let event = Shared::new(Event::new()).unwrap();
            let password = Arc::new(Password(UnsafeCell::new("")));
            let (setter, its) = (event.clone(), password.clone());
            let setting = thread::spawn(move || {
                // SAFETY: loom fails the model if another has access now.
                its.0.with_mut(|password| unsafe { *password = "open" });
                setter.set();
            });
            event.wait();
            // SAFETY: loom fails the model if another writes now.
            assert_eq!(password.0.with(|password| unsafe { *password }), "open");
            setting.join().unwrap();
        },
    };
}

/// Neither atomic nor locked: only the event keeps reader and writer apart.
struct Password(UnsafeCell<&'static str>);

// SAFETY: loom checks every access.
unsafe impl Sync for Password {}
