//! Locking and unlocking, as two operations; and the guarded value, which is changed by a read, a yield
//! and a write.
//!
//! Not checked: an owner that dies or panics (see tests/deaths.rs, tests/stepper).

use std::thread;

use multiproc::{Lock, LockGuard, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::targets::{Target, length, timeout};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Lock,
    TryLock,
    LockFor(u8),
    /// Adds to the value, and unlocks.
    Unlock(u64),
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
pub(crate) struct LockModel {
    locked: bool,
    value: u64,
}

impl SequentialSpec for LockModel {
    type Op = Op;
    type Ret = Ret;

    fn invoke(&mut self, op: &Op) -> Ret {
        match op {
            Op::Lock | Op::TryLock | Op::LockFor(_) if self.locked => Ret::WouldBlock,
            Op::Lock | Op::TryLock | Op::LockFor(_) => {
                self.locked = true;
                Ret::Locked(self.value)
            }
            Op::Unlock(more) => {
                self.locked = false;
                self.value += more;
                Ret::Unlocked
            }
            Op::IsLocked => Ret::Is(self.locked),
        }
    }
}

impl Target for Lock<u64> {
    type Op = Op;
    type Ret = Ret;
    type Model = LockModel;
    type Shared = Shared<Lock<u64>>;
    type Guards<'a> = Option<LockGuard<'a, u64>>;

    fn private() -> Self {
        Lock::new(0)
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    /// A worker unlocks before it locks again.
    fn programs(rng: &mut StdRng, workers: usize) -> Vec<Vec<Op>> {
        let section = |rng: &mut StdRng| {
            let mut ops = vec![match rng.random_range(0..4) {
                0..2 => Op::Lock,
                2 => Op::TryLock,
                _ => Op::LockFor(rng.random()),
            }];
            match rng.random_range(0..6) {
                0 => ops.push(Op::IsLocked),
                // By the owner, or by a worker that was refused before.
                1 => ops.push(Op::TryLock),
                _ => {}
            }
            ops.push(Op::Unlock(rng.random_range(1..4)));
            ops
        };
        let mut whole = || (0..length(rng) / 2).flat_map(|_| section(rng)).collect();
        (0..workers).map(|_| whole()).collect()
    }

    fn perform<'a>(&'a self, guards: &mut Self::Guards<'a>, op: &Op) -> Option<Ret> {
        let locked = match *op {
            Op::Lock => self.lock().map_err(TryLockError::Poisoned),
            Op::TryLock => self.try_lock(),
            Op::LockFor(micros) => self.lock_for(timeout(micros)),
            Op::IsLocked => return Some(Ret::Is(self.is_locked())),
            Op::Unlock(more) => {
                let mut guard = guards.take()?;
                let value = *guard;
                thread::yield_now();
                *guard = value + more;
                return Some(Ret::Unlocked);
            }
        };
        Some(match locked {
            Ok(guard) => Ret::Locked(**guards.insert(guard)),
            Err(TryLockError::WouldBlock) => Ret::WouldBlock,
            Err(TryLockError::Poisoned(_)) => panic!("no owner dies here"),
        })
    }
}
