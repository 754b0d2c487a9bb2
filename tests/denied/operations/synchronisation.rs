//! The primitives, between threads in private memory and in a mapping, and between processes.

use std::sync::Arc;

use multiproc::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, Process, RLock, RobustSemaphore, Semaphore,
    Shared, Thread,
};

use super::{Done, Operation, Place, TICK, Told, here, spawning, told, unpoisoned};

pub(super) const ALL: &[Operation] = &[
    here("lock, private", lock::<Arc<_>>),
    here("lock, shared", lock::<Shared<_>>),
    here("lock between threads, private", lock_between_threads::<Arc<_>>),
    here("lock between threads, shared", lock_between_threads::<Shared<_>>),
    spawning("lock between processes", lock_between_processes),
    here("rlock, private", rlock::<Arc<_>>),
    here("rlock, shared", rlock::<Shared<_>>),
    here("condition, private", condition::<Arc<_>>),
    here("condition, shared", condition::<Shared<_>>),
    spawning("condition between processes", condition_between_processes),
    here("event, private", event::<Arc<_>>),
    here("event, shared", event::<Shared<_>>),
    spawning("event between processes", event_between_processes),
    here("semaphore, private", semaphore::<Arc<_>>),
    here("semaphore, shared", semaphore::<Shared<_>>),
    here("bounded semaphore, private", bounded_semaphore::<Arc<_>>),
    here("bounded semaphore, shared", bounded_semaphore::<Shared<_>>),
    here("robust semaphore, private", robust_semaphore::<Arc<_>>),
    here("robust semaphore, shared", robust_semaphore::<Shared<_>>),
    here("barrier, private", barrier::<Arc<_>>),
    here("barrier, shared", barrier::<Shared<_>>),
    spawning("barrier between processes", barrier_between_processes),
];

/// How often two take turns.
const TURNS: u64 = 100;

fn lock<P: Place<Lock<u64>>>(ready: &dyn Fn()) -> Done {
    let (lock, second) = (P::of(Lock::new(1))?, P::of(Lock::new(2))?);
    ready();
    {
        let mut first = unpoisoned(lock.lock())?;
        let mut second = unpoisoned(second.lock())?;
        (*first, *second) = (*second, *first);
        assert!(lock.try_lock().is_err() && lock.lock_for(TICK).is_err(), "it is locked");
    }
    assert_eq!((*unpoisoned(lock.lock())?, *unpoisoned(second.lock())?), (2, 1));
    Ok(())
}

fn lock_between_threads<P: Place<(Lock<u64>, Event)>>(ready: &dyn Fn()) -> Done {
    let place = P::of((Lock::new(0), Event::new()))?;
    // This thread knows the lock before the other comes.
    drop(unpoisoned(place.0.lock())?);
    ready();
    let guard = unpoisoned(place.0.lock())?;
    let other = place.clone();
    let thread = Thread::spawn(move || {
        assert!(other.0.lock_for(TICK).is_err(), "it is locked");
        other.1.set();
        for _ in 0..TURNS {
            *other.0.lock().expect("nobody dies") += 1;
            std::thread::yield_now();
        }
    })?;
    place.1.wait();
    drop(guard);
    for _ in 0..TURNS {
        *unpoisoned(place.0.lock())? += 1;
        std::thread::yield_now();
    }
    thread.join()?;
    assert_eq!(*unpoisoned(place.0.lock())?, 2 * TURNS);
    Ok(())
}

type LockAndEvent = Shared<(Lock<u64>, Event)>;

fn lock_between_processes(ready: &dyn Fn()) -> Done {
    fn count(place: LockAndEvent) -> Told<()> {
        assert!(place.0.lock_for(TICK).is_err(), "it is locked");
        place.1.set();
        for _ in 0..TURNS {
            *told(unpoisoned(place.0.lock()))? += 1;
        }
        Ok(())
    }
    let place = Shared::new((Lock::new(0), Event::new()))?;
    ready();
    let guard = unpoisoned(place.0.lock())?;
    let child = Process::spawn(count, place.clone())?;
    while !place.1.wait_for(TICK) {
        if let Some(ended) = child.try_join() {
            ended??;
        }
    }
    drop(guard);
    for _ in 0..TURNS {
        *unpoisoned(place.0.lock())? += 1;
    }
    child.join()??;
    assert_eq!(*unpoisoned(place.0.lock())?, 2 * TURNS);
    Ok(())
}

fn rlock<P: Place<RLock<u64>>>(ready: &dyn Fn()) -> Done {
    let lock = P::of(RLock::new(7))?;
    ready();
    let outer = unpoisoned(lock.lock())?;
    let inner = unpoisoned(lock.lock())?;
    assert_eq!((*outer, *inner), (7, 7));
    let other = lock.clone();
    let is_locked = Thread::spawn(move || other.lock_for(TICK).is_err())?;
    assert!(is_locked.join()?, "it is locked");
    drop((outer, inner));
    let is_free = Thread::spawn(move || lock.try_lock().is_ok())?;
    assert!(is_free.join()?, "it is free");
    Ok(())
}

fn condition<P: Place<(Lock<u64>, Condition)>>(ready: &dyn Fn()) -> Done {
    let place = P::of((Lock::new(0), Condition::new()))?;
    ready();
    let guard = unpoisoned(place.0.lock())?;
    assert!(!unpoisoned(place.1.wait_for(guard, TICK))?.1, "nobody came");
    let other = place.clone();
    let thread = Thread::spawn(move || {
        *other.0.lock().expect("nobody dies") = 1;
        other.1.notify_all();
    })?;
    let guard = unpoisoned(place.0.lock())?;
    let guard = unpoisoned(place.1.wait_while(guard, |value| *value == 0))?;
    assert_eq!(*guard, 1);
    drop(guard);
    thread.join()?;
    Ok(())
}

fn condition_between_processes(ready: &dyn Fn()) -> Done {
    fn answer((place,): (Shared<(Lock<u64>, Condition)>,)) -> Told<()> {
        *told(unpoisoned(place.0.lock()))? = 1;
        place.1.notify_all();
        Ok(())
    }
    let place = Shared::new((Lock::new(0), Condition::new()))?;
    ready();
    let child = Process::spawn(answer, (place.clone(),))?;
    child.join()??;
    let guard = unpoisoned(place.0.lock())?;
    assert_eq!(*unpoisoned(place.1.wait_while(guard, |value| *value == 0))?, 1);
    Ok(())
}

fn event<P: Place<(Event, Event)>>(ready: &dyn Fn()) -> Done {
    let place = P::of((Event::new(), Event::new()))?;
    ready();
    assert!(!place.0.wait_for(TICK) && !place.0.is_set());
    let other = place.clone();
    let thread = Thread::spawn(move || {
        other.0.set();
        other.1.wait();
    })?;
    place.0.wait();
    assert!(thread.is_alive());
    place.1.set();
    thread.join()?;
    place.0.clear();
    assert!(!place.0.wait_for(TICK));
    Ok(())
}

fn event_between_processes(ready: &dyn Fn()) -> Done {
    fn answer(events: Shared<(Event, Event)>) {
        events.0.set();
        events.1.wait();
    }
    let events = Shared::new((Event::new(), Event::new()))?;
    ready();
    let child = Process::spawn(answer, events.clone())?;
    while !events.0.wait_for(TICK) {
        if let Some(ended) = child.try_join() {
            ended?;
        }
    }
    events.1.set();
    child.join()?;
    Ok(())
}

fn semaphore<P: Place<Semaphore>>(ready: &dyn Fn()) -> Done {
    let semaphore = P::of(Semaphore::new(1))?;
    ready();
    let permit = semaphore.acquire();
    assert!(semaphore.try_acquire().is_none() && semaphore.acquire_for(TICK).is_none());
    let other = semaphore.clone();
    let thread = Thread::spawn(move || drop(other.acquire()))?;
    assert!(thread.join_for(TICK).is_none(), "there is no permit");
    drop(permit);
    thread.join()?;
    assert_eq!(semaphore.value(), 1);
    Ok(())
}

fn bounded_semaphore<P: Place<BoundedSemaphore>>(ready: &dyn Fn()) -> Done {
    let semaphore = P::of(BoundedSemaphore::new(1))?;
    ready();
    assert!(semaphore.release(1).is_err(), "that would be one too many");
    let permit = semaphore.acquire();
    let other = semaphore.clone();
    let thread = Thread::spawn(move || other.acquire_for(TICK).is_none())?;
    assert!(thread.join()?, "there is no permit");
    drop(permit);
    assert!(semaphore.try_acquire().is_some());
    Ok(())
}

fn robust_semaphore<P: Place<RobustSemaphore<2>>>(ready: &dyn Fn()) -> Done {
    let semaphore = P::of(RobustSemaphore::new(1))?;
    ready();
    let permit = semaphore.acquire();
    assert!(semaphore.try_acquire().is_none() && semaphore.acquire_for(TICK).is_none());
    let other = semaphore.clone();
    let thread = Thread::spawn(move || drop(other.acquire()))?;
    assert!(thread.join_for(TICK).is_none(), "there is no permit");
    drop(permit);
    thread.join()?;
    assert_eq!(semaphore.value(), 1);
    Ok(())
}

fn barrier<P: Place<Barrier>>(ready: &dyn Fn()) -> Done {
    let barrier = P::of(Barrier::new(2))?;
    ready();
    let other = barrier.clone();
    let thread = Thread::spawn(move || other.wait())?;
    let mine = barrier.wait()?;
    assert_eq!(mine + thread.join()??, 1, "one is 0 and the other is 1");
    assert!(barrier.wait_for(TICK).is_err() && barrier.is_broken());
    Ok(())
}

fn barrier_between_processes(ready: &dyn Fn()) -> Done {
    let barrier = Shared::new(Barrier::new(2))?;
    ready();
    let child = Process::spawn(|barrier: Shared<Barrier>| told(barrier.wait()), barrier.clone())?;
    // A child that cannot start never comes.
    let mine = match barrier.wait_for(std::time::Duration::from_secs(5)) {
        Ok(mine) => mine,
        Err(broken) => {
            child.join()??;
            return Err(broken.into());
        }
    };
    assert_eq!(mine + child.join()??, 1, "one is 0 and the other is 1");
    Ok(())
}
