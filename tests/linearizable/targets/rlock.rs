//! Locking, locking again, and unlocking as often; and the guarded value, which is changed by a read, a
//! yield and a write.

use std::cell::Cell;
use std::thread;

use multiproc::{RLock, RLockGuard, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::targets::{Target, each, timeout};

/// Each with the number of its worker.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Lock(usize),
    TryLock(usize),
    LockFor(usize, u8),
    /// Adds to the value, and unlocks once.
    Unlock(usize, u64),
    IsLocked,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Ret {
    /// With the guarded value.
    Locked(u64),
    WouldBlock,
    Unlocked,
    Is(bool),
}

#[derive(Clone, Default)]
pub(crate) struct RLockModel {
    owner: Option<usize>,
    depth: u32,
    value: u64,
}

impl SequentialSpec for RLockModel {
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
                assert_eq!(self.owner, Some(by), "only the owner unlocks");
                self.value += more;
                self.depth -= 1;
                self.owner = self.owner.filter(|_| self.depth > 0);
                Ret::Unlocked
            }
            Op::IsLocked => Ret::Is(self.owner.is_some()),
        }
    }
}

impl Target for RLock<Cell<u64>> {
    type Op = Op;
    type Ret = Ret;
    type Model = RLockModel;
    type Shared = Shared<RLock<Cell<u64>>>;
    type Guards<'a> = Vec<RLockGuard<'a, Cell<u64>>>;

    fn private() -> Self {
        RLock::new(Cell::new(0))
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    /// At the end each worker unlocks as often as it may have locked.
    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        let mut programs = each(rng, workers, |rng, by| match rng.random_range(0..9) {
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

    fn perform<'a>(&'a self, guards: &mut Self::Guards<'a>, op: &Op) -> Option<Ret> {
        let locked = match *op {
            Op::Lock(_) => self.lock().map_err(TryLockError::Poisoned),
            Op::TryLock(_) => self.try_lock(),
            Op::LockFor(_, micros) => self.lock_for(timeout(micros)),
            Op::IsLocked => return Some(Ret::Is(self.is_locked())),
            Op::Unlock(_, more) => {
                let guard = guards.pop()?;
                let value = guard.get();
                thread::yield_now();
                guard.set(value + more);
                return Some(Ret::Unlocked);
            }
        };
        Some(match locked {
            Ok(guard) => {
                let value = guard.get();
                guards.push(guard);
                Ret::Locked(value)
            }
            Err(TryLockError::WouldBlock) => Ret::WouldBlock,
            Err(TryLockError::Poisoned(_)) => panic!("no owner dies here"),
        })
    }
}
