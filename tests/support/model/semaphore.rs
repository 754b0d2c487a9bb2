use std::fmt;
use std::marker::PhantomData;

use multiproc::{BoundedSemaphore, Overflow, Permit, RobustPermit, RobustSemaphore, Semaphore};

use super::wait::Wait;
use super::{Model, Outcomes, WORKERS};

/// The number of free permits, how many each worker holds, and the workers that wait for one.
#[derive(Clone)]
pub(crate) struct SemaphoreModel<K> {
    pub(crate) value: u32,
    pub(crate) max: u32,
    kind: PhantomData<K>,
    pub(crate) held: [u32; WORKERS],
    waiting: Vec<usize>,
}

#[derive(Clone)]
pub(crate) enum Op {
    Acquire(Wait),
    Release(u32),
    /// Drops the last permit that the worker holds.
    Drop,
    /// Forgets it.
    Forget,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret {
    Acquired(bool),
    Released(Result<(), Overflow>),
    Done,
}

/// The kind of semaphore.
pub(crate) trait Kind: Clone + Send + 'static {
    const NAME: &str;

    /// Whether it counts the permits that are held: then a release must leave room for them.
    const COUNTS_HELD: bool = false;

    /// The most permits that can be free, of so many at first.
    fn max(initial: u32) -> u32;
}

/// `Semaphore`.
#[derive(Clone)]
pub(crate) struct Unbounded;

impl Kind for Unbounded {
    const NAME: &str = "Semaphore";

    fn max(_: u32) -> u32 {
        Semaphore::MAX
    }
}

/// `BoundedSemaphore`.
#[derive(Clone)]
pub(crate) struct Bounded;

impl Kind for Bounded {
    const NAME: &str = "BoundedSemaphore";

    fn max(initial: u32) -> u32 {
        initial
    }
}

/// `RobustSemaphore<4>`.
#[derive(Clone)]
pub(crate) struct Robust;

pub(crate) const ROBUST_MAX: u32 = 4;

impl Kind for Robust {
    const NAME: &str = "RobustSemaphore::<4>";
    const COUNTS_HELD: bool = true;

    fn max(_: u32) -> u32 {
        ROBUST_MAX
    }
}

impl<K: Kind> SemaphoreModel<K> {
    pub(crate) fn new(value: u32) -> Self {
        SemaphoreModel {
            value,
            max: K::max(value),
            kind: PhantomData,
            held: [0; WORKERS],
            waiting: Vec::new(),
        }
    }

    /// How many more can be released.
    fn room(&self) -> u32 {
        let held = if K::COUNTS_HELD { self.held.iter().sum() } else { 0 };
        self.max - self.value - held
    }

    fn release(&mut self, permits: u32, outcomes: &mut Outcomes<Ret>) {
        self.value += permits;
        while self.value > 0 && !self.waiting.is_empty() {
            let next = self.waiting.remove(0);
            self.acquire(next, outcomes);
        }
    }

    fn acquire(&mut self, worker: usize, outcomes: &mut Outcomes<Ret>) {
        self.value -= 1;
        self.held[worker] += 1;
        outcomes.ret(worker, Ret::Acquired(true));
    }
}

impl<K: Kind> Model for SemaphoreModel<K> {
    type Op = Op;
    type Ret = Ret;
    /// How many permits are free, and the most that can be.
    type View = (u32, u32);

    fn allows(&self, worker: usize, op: &Op) -> bool {
        match op {
            // A worker that waits holds none, so that waiting workers can be exchanged; and it does not
            // wait where none can ever be released.
            Op::Acquire(wait) => {
                !wait.is_long() || self.value > 0 || self.held[worker] == 0 && self.max > 0
            }
            Op::Drop | Op::Forget => self.held[worker] > 0,
            Op::Release(_) => true,
        }
    }

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Ret>) {
        let SemaphoreModel { value, max, .. } = *self;
        match *op {
            Op::Acquire(_) if value > 0 => self.acquire(worker, outcomes),
            Op::Acquire(wait) if wait.is_long() => self.waiting.push(worker),
            Op::Acquire(_) => outcomes.ret(worker, Ret::Acquired(false)),
            Op::Release(released) if released > self.room() => {
                let overflow = Overflow { released, value: max - self.room(), max };
                outcomes.ret(worker, Ret::Released(Err(overflow)));
            }
            Op::Release(released) => {
                outcomes.ret(worker, Ret::Released(Ok(())));
                self.release(released, outcomes);
            }
            Op::Drop | Op::Forget => {
                self.held[worker] -= 1;
                outcomes.ret(worker, Ret::Done);
                // A semaphore that is full does not take it back.
                if matches!(op, Op::Drop) && value < max {
                    self.release(1, outcomes);
                }
            }
        }
    }

    fn view(&self) -> (u32, u32) {
        (self.value, self.max)
    }
}

/// What all kinds of semaphores have.
pub(crate) trait Permits {
    type Permit<'a>
    where
        Self: 'a;

    fn acquire_by(&self, wait: Wait) -> Option<Self::Permit<'_>>;
    fn release(&self, permits: u32) -> Result<(), Overflow>;
    fn forget(permit: Self::Permit<'_>);
    /// How many permits are free, and the most that can be.
    fn view(&self) -> (u32, u32);

    /// Performs an operation, with the permits that the worker holds.
    fn perform<'a>(&'a self, op: &Op, permits: &mut Vec<Self::Permit<'a>>) -> Ret {
        match *op {
            Op::Acquire(wait) => {
                let permit = self.acquire_by(wait);
                let acquired = permit.is_some();
                permits.extend(permit);
                Ret::Acquired(acquired)
            }
            Op::Release(permits) => Ret::Released(self.release(permits)),
            Op::Drop => {
                drop(permits.pop().expect("the model allows it only to a holder"));
                Ret::Done
            }
            Op::Forget => {
                Self::forget(permits.pop().expect("the model allows it only to a holder"));
                Ret::Done
            }
        }
    }
}

macro_rules! permits {
    ($semaphore:ty, $permit:ty, $max:expr) => {
        impl Permits for $semaphore {
            type Permit<'a> = $permit;

            fn acquire_by(&self, wait: Wait) -> Option<Self::Permit<'_>> {
                match wait {
                    Wait::Ever => Some(self.acquire()),
                    Wait::Not => self.try_acquire(),
                    Wait::For(span) => self.acquire_for(span.duration()),
                    Wait::Until(span) => self.acquire_until(span.instant()),
                }
            }

            fn release(&self, permits: u32) -> Result<(), Overflow> {
                self.release(permits)
            }

            fn forget(permit: Self::Permit<'_>) {
                permit.forget();
            }

            fn view(&self) -> (u32, u32) {
                (self.value(), $max(self))
            }
        }
    };
}

permits! { Semaphore, Permit<'a>, |_| Semaphore::MAX }
permits! { BoundedSemaphore, Permit<'a>, BoundedSemaphore::limit }
permits! { RobustSemaphore<{ ROBUST_MAX as usize }>, RobustPermit<'a>, |_| ROBUST_MAX }

impl<K: Kind> fmt::Debug for SemaphoreModel<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}::new({})", K::NAME, self.value)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Acquire(wait) => wait.written(f, "acquire", ""),
            Op::Release(permits) => write!(f, "release({permits})"),
            Op::Drop => f.write_str("drop(permit)"),
            Op::Forget => f.write_str("permit.forget()"),
        }
    }
}
