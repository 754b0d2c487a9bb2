//! Locking, locking again, and unlocking as often; and the value that is locked, which is changed by
//! reading, letting others run, and writing.

use std::cell::Cell;
use std::thread;

use multiproc::{RLock, RLockGuard, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::subjects::{Subject, each, shortly};

/// Each by the actor of that number.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Lock(usize),
    TryLock(usize),
    LockFor(usize, u8),
    /// Adds so much to the value, and unlocks once.
    Unlock(usize, u64),
    IsLocked,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ret {
    /// With this value inside.
    Locked(u64),
    WouldBlock,
    Unlocked,
    Is(bool),
}

#[derive(Clone, Default)]
pub(crate) struct Held {
    owner: Option<usize>,
    depth: u32,
    value: u64,
}

impl SequentialSpec for Held {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match *op {
            Op::Lock(by) | Op::TryLock(by) | Op::LockFor(by, _) => {
                if self.owner.is_some_and(|owner| owner != by) {
                    return Ret::WouldBlock;
                }
                self.owner = Some(by);
                self.depth += 1;
                Ret::Locked(self.value)
            }
            Op::Unlock(by, more) => {
                assert_eq!(self.owner, Some(by), "nobody unlocks what it does not hold");
                self.value += more;
                self.depth -= 1;
                self.owner = self.owner.filter(|_| self.depth > 0);
                Ret::Unlocked
            }
            Op::IsLocked => Ret::Is(self.owner.is_some()),
        }
    }
}

impl Subject for RLock<Cell<u64>> {
    type Op = Op;
    type Ret = Ret;
    type Spec = Held;
    type Shared = Shared<RLock<Cell<u64>>>;
    type Hands<'a> = Vec<RLockGuard<'a, Cell<u64>>>;

    fn private() -> Self {
        RLock::new(Cell::new(0))
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    /// At the end everyone unlocks as often as it may have locked.
    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        let mut programs = each(rng, actors, |rng, by| match rng.random_range(0..9) {
            0..2 => Op::Lock(by),
            2 => Op::TryLock(by),
            3..5 => Op::LockFor(by, rng.random()),
            5..8 => Op::Unlock(by, rng.random_range(1..4)),
            _ => Op::IsLocked,
        });
        for (by, ops) in programs.iter_mut().enumerate() {
            ops.extend(vec![Op::Unlock(by, 1); ops.len()]);
        }
        programs
    }

    fn perform<'a>(&'a self, hands: &mut Self::Hands<'a>, op: &Op) -> Option<Ret> {
        let locked = match *op {
            Op::Lock(_) => self.lock().map_err(TryLockError::Poisoned),
            Op::TryLock(_) => self.try_lock(),
            Op::LockFor(_, micros) => self.lock_for(shortly(micros)),
            Op::IsLocked => return Some(Ret::Is(self.is_locked())),
            Op::Unlock(_, more) => {
                let guard = hands.pop()?;
                let value = guard.get();
                thread::yield_now();
                guard.set(value + more);
                return Some(Ret::Unlocked);
            }
        };
        Some(match locked {
            Ok(guard) => {
                let value = guard.get();
                hands.push(guard);
                Ret::Locked(value)
            }
            Err(TryLockError::WouldBlock) => Ret::WouldBlock,
            Err(TryLockError::Poisoned(_)) => panic!("nobody dies here"),
        })
    }
}
