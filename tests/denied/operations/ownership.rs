//! Owners that die, which is noticed, and owners that live, who keep what they have.

use multiproc::{
    Barrier, Error, Event, Lock, PoisonCause, Poisoned, Process, RLock, RobustSemaphore, Shared,
};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};

use super::{Done, Operation, SLICES, TICK, Told, here, spawning, told, unpoisoned};

pub(super) const ALL: &[Operation] = &[
    spawning("lock of a process that died", lock_of_the_dead),
    spawning("lock of a process that dies while one waits", lock_of_the_dying),
    spawning("lock of a process that lives", lock_of_the_living),
    here("lock of a forked process that died", lock_of_a_fork),
    here("lock held at a bare fork", lock_at_a_fork),
    spawning("rlock of a process that died", rlock_of_the_dead),
    spawning("permit of a process that died", permit_of_the_dead),
    spawning("permit of a process that lives", permit_of_the_living),
    spawning("barrier of a process that died", barrier_of_the_dead),
    here("lock of a thread that ended", lock_of_a_thread),
];

/// Ends this process at once, with all that it holds.
fn die() -> ! {
    // SAFETY: it ends the process, whatever its state.
    unsafe { libc::_exit(0) }
}

/// An end without a result is what these children are for; any other answer is handed on.
fn died(child: &Process<Told<()>>) -> Done {
    match child.join() {
        Err(multiproc::ProcessError::Exited(0)) => Ok(()),
        Ok(told) => Err(told.err().unwrap_or_else(|| "it returned".into()).into()),
        Err(error) => Err(error.into()),
    }
}

fn of_the_dead<G>(locked: Result<G, Poisoned<G>>) -> G {
    match locked {
        Ok(_) => panic!("its owner died, and nobody was told"),
        Err(poisoned) => {
            assert_eq!(poisoned.cause(), PoisonCause::OwnerDied);
            poisoned.into_inner()
        }
    }
}

fn take_and_die(lock: Shared<Lock<u64>>) -> Told<()> {
    *told(unpoisoned(lock.lock()))? = 7;
    let guard = told(unpoisoned(lock.lock()))?;
    std::mem::forget(guard);
    die()
}

fn lock_of_the_dead(ready: &dyn Fn()) -> Done {
    let lock = Shared::new(Lock::new(0))?;
    ready();
    died(&Process::spawn(take_and_die, lock.clone())?)?;
    assert_eq!(*of_the_dead(lock.lock()), 7);
    lock.clear_poison();
    assert_eq!(*unpoisoned(lock.lock())?, 7);
    Ok(())
}

fn lock_of_the_dying(ready: &dyn Fn()) -> Done {
    fn wait_and_die((place,): (Shared<(Lock<u64>, Event)>,)) -> Told<()> {
        std::mem::forget(told(unpoisoned(place.0.lock()))?);
        place.1.set();
        // The parent sleeps by now, or finds the lock as it was left.
        std::thread::park_timeout(TICK);
        die()
    }
    let place = Shared::new((Lock::new(0), Event::new()))?;
    ready();
    let child = Process::spawn(wait_and_die, (place.clone(),))?;
    while !place.1.wait_for(TICK) {
        if let Some(ended) = child.try_join() {
            ended??;
        }
    }
    drop(of_the_dead(place.0.lock()));
    died(&child)
}

fn lock_of_the_living(ready: &dyn Fn()) -> Done {
    fn hold(place: Shared<(Lock<u64>, Event, Event)>) -> Told<()> {
        let _guard = told(unpoisoned(place.0.lock()))?;
        place.1.set();
        place.2.wait();
        Ok(())
    }
    let place = Shared::new((Lock::new(0), Event::new(), Event::new()))?;
    ready();
    let child = Process::spawn(hold, place.clone())?;
    while !place.1.wait_for(TICK) {
        if let Some(ended) = child.try_join() {
            ended??;
        }
    }
    assert!(place.0.lock_for(SLICES).is_err(), "its owner lives");
    place.2.set();
    child.join()??;
    drop(unpoisoned(place.0.lock())?);
    Ok(())
}

fn lock_of_a_fork(ready: &dyn Fn()) -> Done {
    let lock = Shared::new(Lock::new(0))?;
    // This thread is known before the fork, and is another after it.
    drop(unpoisoned(lock.lock())?);
    ready();
    let theirs = lock.clone();
    let child = Process::fork(move || take_and_die(theirs))?;
    died(&child)?;
    assert_eq!(*of_the_dead(lock.lock()), 7);
    Ok(())
}

/// A fork that this crate does not see, and would refuse.
fn lock_at_a_fork(ready: &dyn Fn()) -> Done {
    let locks = Shared::new((Lock::new(1), Lock::new(2)))?;
    ready();
    let guard = unpoisoned(locks.0.lock())?;
    // SAFETY: there is one thread; the child uses no more than it may, and ends.
    let child = match unsafe { libc::fork() } {
        -1 => return Err(format!("fork failed: {}", std::io::Error::last_os_error()).into()),
        0 => {
            let is_parents = locks.0.try_lock().is_err();
            let value = locks.1.lock().map(|mut value| std::mem::replace(&mut *value, 3));
            drop(guard);
            let right = is_parents && locks.0.is_locked() && value.is_ok_and(|value| value == 2);
            // SAFETY: it ends the process, whatever its state.
            unsafe { libc::_exit(if right { 0 } else { 1 }) }
        }
        child => Pid::from_raw(child).expect("a child has a number"),
    };
    let asked = rustix::io::retry_on_intr(|| waitid(WaitId::Pid(child), WaitIdOptions::EXITED));
    let status = asked.map_err(|errno| format!("waitid failed: {errno}"))?;
    assert_eq!(status.and_then(|status| status.exit_status()), Some(0), "in the child");
    drop(guard);
    assert_eq!((*unpoisoned(locks.0.lock())?, *unpoisoned(locks.1.lock())?), (1, 3));
    Ok(())
}

fn rlock_of_the_dead(ready: &dyn Fn()) -> Done {
    fn take_twice_and_die(lock: Shared<RLock<u64>>) -> Told<()> {
        std::mem::forget((told(unpoisoned(lock.lock()))?, told(unpoisoned(lock.lock()))?));
        die()
    }
    let lock = Shared::new(RLock::new(3))?;
    ready();
    died(&Process::spawn(take_twice_and_die, lock.clone())?)?;
    assert_eq!(*of_the_dead(lock.lock()), 3);
    Ok(())
}

type Permits = Shared<(RobustSemaphore<2>, Event, Event)>;

fn permits() -> Result<Permits, Error> {
    Shared::new((RobustSemaphore::new(1), Event::new(), Event::new()))
}

fn permit_of_the_dead(ready: &dyn Fn()) -> Done {
    fn take_and_die(place: Permits) -> Told<()> {
        std::mem::forget(place.0.acquire());
        die()
    }
    let place = permits()?;
    ready();
    died(&Process::spawn(take_and_die, place.clone())?)?;
    drop(place.0.acquire());
    assert_eq!(place.0.value(), 1);
    Ok(())
}

fn permit_of_the_living(ready: &dyn Fn()) -> Done {
    fn hold(place: Permits) -> Told<()> {
        let _permit = place.0.acquire();
        place.1.set();
        place.2.wait();
        Ok(())
    }
    let place = permits()?;
    ready();
    let child = Process::spawn(hold, place.clone())?;
    while !place.1.wait_for(TICK) {
        if let Some(ended) = child.try_join() {
            ended??;
        }
    }
    assert!(place.0.acquire_for(SLICES).is_none(), "its holder lives");
    place.2.set();
    child.join()??;
    drop(place.0.acquire());
    Ok(())
}

fn barrier_of_the_dead(ready: &dyn Fn()) -> Done {
    fn come_and_die(place: Shared<(Barrier, Event)>) -> Told<()> {
        told(place.0.wait_then(|| ()))?;
        place.1.set();
        die()
    }
    let place = Shared::new((Barrier::new(2), Event::new()))?;
    ready();
    let child = Process::spawn(come_and_die, place.clone())?;
    while place.0.wait_for(TICK).is_err() {
        if let Some(ended) = child.try_join() {
            ended??;
        }
        place.0.reset();
    }
    died(&child)?;
    assert!(place.1.is_set());
    // One that took part has ended, so the others wait for nobody.
    assert!(place.0.wait().is_err() && place.0.is_broken());
    Ok(())
}

fn lock_of_a_thread(ready: &dyn Fn()) -> Done {
    let lock = Shared::new(Lock::new(0))?;
    ready();
    let theirs = lock.clone();
    multiproc::Thread::spawn(move || std::mem::forget(theirs.lock()))?.join()?;
    // What was borrowed through the guard may live on in another thread.
    assert!(lock.lock_for(SLICES).is_err(), "it goes to the process, which lives");
    Ok(())
}
