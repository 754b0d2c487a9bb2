//! An atomic, a plain number and a cell, as loom has them.
//!
//! Between two steps that loom sees, nothing else runs. So one such step followed by work on a plain list
//! is atomic, as the kernel's compare-and-enqueue and change-and-wake are. The step of a wait and of a wake
//! is a compare-exchange that always fails: it reads the latest value, stores nothing and orders nothing,
//! as the kernel promises no more. A wake that is lost shows as loom's deadlock.

use std::collections::VecDeque;
use std::ptr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use loom::cell::{MutPtr, UnsafeCell};
use loom::sync::atomic::AtomicU64;
use loom::thread::{self, Thread};

use super::thread::{self as threads, Address, Epoch, current};
use super::{add_sleepers, loads_latest};
use crate::executor::{
    Access, At, AtomicObject, CellAccess, CellObject, Change, PlainObject, Wakes,
};
use crate::futex::{Timeouts, Wait};
use crate::trace::{self, Action, Label};

#[derive(Debug)]
pub(super) struct Atomic {
    /// The number stands in the upper bits, so that sums wrap as it does.
    atom: AtomicU64,
    bits: u32,
    label: Label,
    writers: Writers,
    sleepers: Mutex<VecDeque<Arc<Sleeper>>>,
}

/// Which threads have written, and whether one of them by a plain store: where such a write is in no order
/// with another's, either is the latest for loom.
#[derive(Debug, Default)]
struct Writers(Mutex<(u64, bool)>);

impl Writers {
    fn add(&self, stores: bool) {
        let mut writers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        writers.0 |= 1 << current();
        writers.1 |= stores;
    }

    /// Whether there can be only one latest value.
    fn agree(&self) -> bool {
        let (who, stores) = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !stores || who.count_ones() < 2
    }
}

#[derive(Debug)]
struct Sleeper {
    thread: Thread,
    woken: Mutex<Option<Epoch>>,
}

impl Sleeper {
    fn woken(&self) -> Option<Epoch> {
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Stands in hardly any atomic. One that is compared with it, and exchanged for it, stays as it is.
const NEVER: u64 = u64::MAX;

impl Atomic {
    pub(super) fn new(value: u64, bits: u32, label: Label) -> Self {
        let atom = AtomicU64::new(value << (64 - bits));
        Atomic { atom, bits, label, writers: Writers::default(), sleepers: Mutex::default() }
    }

    fn address(&self) -> Address {
        ptr::from_ref(self).cast()
    }

    /// The latest value, by a step that stores nothing.
    fn latest(&self, what: &'static str, order: Ordering, at: At) -> u64 {
        let seen =
            threads::step(self.writers.agree(), || self.exchange(NEVER, NEVER, order, order));
        self.note(what, self.number(seen), Change::None, at)
    }

    fn number(&self, upper: u64) -> u64 {
        upper >> (64 - self.bits)
    }

    fn exchange(&self, old: u64, new: u64, success: Ordering, failure: Ordering) -> u64 {
        match self.atom.compare_exchange(old, new, success, failure) {
            Ok(value) | Err(value) => value,
        }
    }

    fn note(&self, what: &'static str, before: u64, change: Change, at: At) -> u64 {
        let after = change.apply(before, self.bits);
        let var = self.label;
        note(|| Action::Access { var, what, before, after, seen: before, at });
        before
    }

    fn wake_first(&self, Wakes { n, really }: Wakes) -> u32 {
        let told = self.queue(|sleepers| sleepers.len().min(n as usize)) as u32;
        let woken = self.queue(|sleepers| {
            let count = sleepers.len().min(really as usize);
            sleepers.drain(..count).collect::<Vec<_>>()
        });
        for sleeper in &woken {
            *sleeper.woken.lock().unwrap_or_else(PoisonError::into_inner) = Some(threads::epoch());
            sleeper.thread.unpark();
        }
        note(|| Action::Wakes { n: woken.len() as u32 });
        told
    }

    fn queue<R>(&self, change: impl FnOnce(&mut VecDeque<Arc<Sleeper>>) -> R) -> R {
        let mut sleepers = self.sleepers.lock().unwrap_or_else(PoisonError::into_inner);
        let before = sleepers.len();
        let result = change(&mut sleepers);
        add_sleepers(sleepers.len() as isize - before as isize);
        result
    }
}

impl AtomicObject for Atomic {
    fn access(&self, access: Access) -> u64 {
        let Access { what, change, order, failure, at } = access;
        let upper = |value: u64| value << (64 - self.bits);
        if change == Change::None {
            if loads_latest() || threads::loads_at_once(self.address()) {
                return self.latest(what, order, at);
            }
            let seen = threads::step(self.writers.agree(), || self.atom.load(order));
            return self.note(what, self.number(seen), change, at);
        }
        let stores = matches!(change, Change::Store(_));
        self.writers.add(stores);
        let seen = threads::step(stores || self.writers.agree(), || match change {
            Change::None => self.atom.load(order),
            Change::Store(value) => {
                self.atom.store(upper(value), order);
                upper(value)
            }
            Change::Swap(value) => self.atom.swap(upper(value), order),
            Change::Add(more) => self.atom.fetch_add(upper(more), order),
            Change::And(mask) => self.atom.fetch_and(upper(mask), order),
            Change::Or(mask) => self.atom.fetch_or(upper(mask), order),
            Change::Exchange { old, new } => self.exchange(upper(old), upper(new), order, failure),
        });
        self.note(what, self.number(seen), change, at)
    }

    fn wait(&self, expected: Option<u64>, timeouts: Timeouts, at: At) -> Wait {
        let seen = self.latest("wait", Ordering::Relaxed, at);
        if expected.is_some_and(|expected| seen != expected) {
            return Wait::Changed;
        }
        let sleeper = Arc::new(Sleeper { thread: thread::current(), woken: Mutex::default() });
        self.queue(|sleepers| sleepers.push_back(sleeper.clone()));
        note(|| Action::Waits { var: self.label });
        let wait = if timeouts.deadline {
            // The timer fires at this step; whoever wakes us before has won.
            self.latest("time", Ordering::Relaxed, at);
            if sleeper.woken().is_some() {
                Wait::Woken
            } else {
                self.queue(|sleepers| sleepers.retain(|one| !Arc::ptr_eq(one, &sleeper)));
                Wait::TimedOut
            }
        } else {
            threads::sleep_until(self.address(), || sleeper.woken());
            Wait::Woken
        };
        note(|| Action::Returns { wait });
        wait
    }

    fn wake(&self, wakes: Wakes, access: Option<Access>, at: At) -> u32 {
        match access {
            Some(access) => self.access(access),
            None => self.latest("wake", Ordering::Relaxed, at),
        };
        self.wake_first(wakes)
    }

    fn see_version(&self, _: At) {
        panic!("versions are a search's: with loom nobody is killed, and no name returns")
    }

    fn exchange_version(
        &self,
        old: u64,
        new: u64,
        order: Ordering,
        _: bool,
        at: At,
    ) -> Result<(), u64> {
        let (change, failure) = (Change::Exchange { old, new }, Ordering::Relaxed);
        let seen = self.access(Access { what: "exchange", change, order, failure, at });
        if seen == old { Ok(()) } else { Err(seen) }
    }
}

fn note(action: impl FnOnce() -> Action) {
    if trace::is_on() {
        trace::note(current(), action());
    }
}

#[derive(Debug)]
pub(super) struct Plain(pub(super) UnsafeCell<u64>);

impl PlainObject for Plain {
    fn read(&self) -> u64 {
        // SAFETY: loom runs one thread at a time, and ends the model when this access races.
        self.0.with(|value| unsafe { *value })
    }

    fn write(&self, value: u64) {
        // SAFETY: as above.
        self.0.with_mut(|place| unsafe { *place = value });
    }
}

/// Stands for the data, which lies elsewhere.
#[derive(Debug)]
pub(super) struct Cell(pub(super) UnsafeCell<()>);

impl CellObject for Cell {
    fn access(&self) -> Box<dyn CellAccess> {
        Box::new(self.0.get_mut())
    }

    fn access_alone(&self) {
        self.0.with_mut(|_| ());
    }
}

impl CellAccess for MutPtr<()> {}
