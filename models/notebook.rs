//! What the notebook's scenarios claim, in the memory that its processes share. The scenarios of
//! the queue, the pipe and the array stand with their primitives: `queue::puts_five_gets_three`,
//! `pipe::two_senders`, `shared_array::carries`.

use multiproc::{Event, Lock, Semaphore, Shared};

use crate::harness::{Model, models};
use crate::stage::{Data, spawn_with, witness};

models! {
    lock: Model {
        shows: "one adds to a and b under the lock, the other looks: never a difference",
        floor: 173_000,
        witnesses: &["looked between", "lock.clear.all"],
        twins: &["lock.fast.acquire", "lock.unlock.release", "lock.slow.acquire"],
        run: || {
            let numbers = Shared::new(Lock::new(<[Data; 2]>::default())).unwrap();
            let adder = spawn_with(&numbers, |numbers| {
                for _ in 0..2 {
                    let [a, b] = &*numbers.lock().unwrap();
                    a.add(1);
                    b.add(1);
                }
            });
            for _ in 0..2 {
                let [a, b] = &*numbers.lock().unwrap();
                assert_eq!(a.read(), b.read());
                if a.read() == 1 {
                    witness("looked between");
                }
            }
            adder.join();
        },
    };

    semaphore: Model {
        shows: "never more inside than permits, and the final value is the first",
        floor: 4_700,
        witnesses: &["semaphore.wake.many", "inside"],
        twins: &["semaphore.wake.many"],
        run: || {
            let room = Shared::new((Semaphore::new(1), Data::default())).unwrap();
            let workers = [(); 2].map(|()| {
                spawn_with(&room, |room| {
                    let (permits, inside) = &**room;
                    permits.acquire().forget();
                    assert_eq!(inside.read(), 0);
                    inside.write(1);
                    witness("inside");
                    inside.write(0);
                    permits.release(1).unwrap();
                })
            });
            workers.into_iter().for_each(|worker| worker.join());
            assert_eq!(room.0.value(), 1);
        },
    };

    event: Model {
        shows: "who waited always sees the password",
        floor: 77,
        witnesses: &["event.wake.all", "event.set.release"],
        twins: &["event.set.release", "event.wait.acquire"],
        run: || {
            let notice = Shared::new((Event::new(), Data::default())).unwrap();
            let setter = spawn_with(&notice, |notice| {
                let (event, password) = &**notice;
                password.write(42);
                event.set();
            });
            let (event, password) = &*notice;
            event.wait();
            assert_eq!(password.read(), 42);
            setter.join();
        },
    };
}
