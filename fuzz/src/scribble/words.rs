//! The primitives that are words, under a peer's hands.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use arbitrary::Arbitrary;
use multiproc::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, LockGuard, Permit, Poisoned, ProcessSafe,
    RLock, RLockGuard, RobustPermit, RobustSemaphore, Semaphore, Value,
};

use super::memory::{Memory, Scribble};
use super::{NOW, whatever};

const LOCKS: usize = 4;
const ROBUST: usize = 4;

#[derive(ProcessSafe)]
#[repr(C)]
pub(super) struct Words {
    locks: [Lock<[u64; 2]>; LOCKS],
    rlock: RLock<Cell<u64>>,
    condition: Condition,
    pub(super) event: Event,
    semaphore: Semaphore,
    bounded: BoundedSemaphore,
    robust: RobustSemaphore<ROBUST>,
    barrier: Barrier,
    value: Value<u32>,
}

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Lock(u8),
    Unlock(u8),
    LockAgain,
    /// One of the guards.
    UnlockAgain(u8),
    Wait,
    /// As long as it is looked so often, at most.
    WaitWhile(u8),
    Notify(u32),
    NotifyAll,
    Set,
    Clear,
    WaitSet,
    Acquire,
    Release(u32),
    AcquireBounded,
    DropBounded,
    ReleaseBounded(u32),
    AcquireRobust,
    DropRobust(u8),
    ForgetRobust(u8),
    ReleaseRobust(u32),
    Meet,
    /// With an action, during which the peer writes, and which may panic.
    MeetThen(Scribble, bool),
    Abort,
    Reset,
    Number(u32),
    LockNumber,
}

/// What is held at the moment.
#[derive(Default)]
pub(super) struct Held<'a> {
    guards: [Option<LockGuard<'a, [u64; 2]>>; LOCKS],
    again: Vec<RLockGuard<'a, Cell<u64>>>,
    bounded: Vec<Permit<'a>>,
    robust: Vec<RobustPermit<'a>>,
    number: Option<LockGuard<'a, ()>>,
}

impl Words {
    pub(super) fn new() -> Self {
        Words {
            locks: [const { Lock::new([0; 2]) }; LOCKS],
            rlock: RLock::new(Cell::new(0)),
            condition: Condition::new(),
            event: Event::new(),
            semaphore: Semaphore::new(1),
            bounded: BoundedSemaphore::new(2),
            robust: RobustSemaphore::new(2),
            barrier: Barrier::new(2),
            value: Value::new(0),
        }
    }

    /// Nothing stays locked once the memory is whole again, whatever became of the guards meanwhile.
    pub(super) fn free(&self, held: Held) {
        drop(held);
        drop(whatever(self.rlock.try_lock()));
        assert!(!self.rlock.is_locked());
    }

    /// One turn. The condition's lock is `spared`: to have it again is waited for as long as a peer
    /// keeps it.
    pub(super) fn play<'a>(
        &'a self,
        turn: &Turn,
        held: &mut Held<'a>,
        memory: &Memory,
        spared: &Lock<u64>,
    ) {
        match *turn {
            Turn::Lock(at) => {
                let at = usize::from(at) % LOCKS;
                if held.guards[at].is_none() {
                    held.guards[at] = whatever(self.locks[at].lock_for(NOW));
                }
                if let Some(guard) = &mut held.guards[at] {
                    guard[0] = guard[0].wrapping_add(guard[1]);
                    self.locks[at].clear_poison();
                }
            }
            Turn::Unlock(at) => held.guards[usize::from(at) % LOCKS] = None,
            Turn::LockAgain => {
                if let Some(guard) = whatever(self.rlock.lock_for(NOW)) {
                    guard.set(guard.get().wrapping_add(1));
                    held.again.push(guard);
                }
            }
            Turn::UnlockAgain(which) => drop(one_of(&mut held.again, which)),
            Turn::Wait => drop(self.condition.wait_for(taken(spared.lock()), NOW)),
            Turn::WaitWhile(most) => {
                let mut looks = 0;
                let holds = |_: &mut u64| {
                    looks += 1;
                    looks <= most
                };
                drop(self.condition.wait_while_for(taken(spared.lock()), NOW, holds));
                assert!(looks <= 2, "it is over when it was looked at again");
            }
            Turn::Notify(n) => self.condition.notify(n),
            Turn::NotifyAll => self.condition.notify_all(),
            Turn::Set => self.event.set(),
            Turn::Clear => self.event.clear(),
            Turn::WaitSet => assert!(self.event.wait_for(NOW) || !self.event.is_set()),
            Turn::Acquire => drop(self.semaphore.acquire_for(NOW).map(Permit::forget)),
            Turn::Release(more) => drop(self.semaphore.release(more)),
            Turn::AcquireBounded => held.bounded.extend(self.bounded.acquire_for(NOW)),
            Turn::DropBounded => drop(held.bounded.pop()),
            Turn::ReleaseBounded(more) => {
                let sum = self.bounded.value().checked_add(more);
                let fits = sum.is_some_and(|sum| sum <= self.bounded.limit());
                assert_eq!(self.bounded.release(more).is_ok(), fits);
            }
            Turn::AcquireRobust => held.robust.extend(self.robust.acquire_for(NOW)),
            Turn::DropRobust(which) => drop(one_of(&mut held.robust, which)),
            Turn::ForgetRobust(which) => {
                one_of(&mut held.robust, which).into_iter().for_each(RobustPermit::forget);
            }
            Turn::ReleaseRobust(more) => {
                let done = self.robust.release(more);
                let most = ROBUST as u32;
                assert!(done.is_err() || more <= most && self.robust.value() >= more);
                assert!(self.robust.value() <= most);
            }
            Turn::Meet => drop(self.barrier.wait_for(NOW)),
            Turn::MeetThen(ref scribble, panics) => {
                // Without a deadline, so only where it is not waited.
                let is_last = self.barrier.waiting() + 1 == self.barrier.parties();
                if !is_last && !self.barrier.is_broken() {
                    return;
                }
                let action = || {
                    memory.scribble(scribble);
                    if panics {
                        resume_unwind(Box::new(()));
                    }
                };
                let met = catch_unwind(AssertUnwindSafe(|| self.barrier.wait_then(action)));
                assert!(met.is_ok() || panics);
            }
            Turn::Abort => {
                self.barrier.abort();
                assert!(self.barrier.is_broken());
            }
            Turn::Reset => {
                self.barrier.reset();
                assert!(!self.barrier.is_broken() && self.barrier.waiting() == 0);
            }
            Turn::Number(number) => {
                let was = self.value.swap(number);
                assert_eq!(self.value.fetch_add(was), number);
                assert_eq!(self.value.get(), number.wrapping_add(was));
            }
            Turn::LockNumber => {
                held.number = match held.number.take() {
                    Some(_) => None,
                    None => whatever(self.value.lock_for(NOW)),
                };
            }
        }
    }
}

fn one_of<T>(all: &mut Vec<T>, which: u8) -> Option<T> {
    let at = usize::from(which).checked_rem(all.len())?;
    Some(all.swap_remove(at))
}

fn taken<G>(locked: Result<G, Poisoned<G>>) -> G {
    locked.unwrap_or_else(Poisoned::into_inner)
}
