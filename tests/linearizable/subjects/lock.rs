//! Locking and unlocking, as the two operations that they are; and the value that is locked, which
//! is changed by reading, letting others run, and writing.
//!
//! Not here: what happens when an owner dies or panics (tests/deaths.rs, tests/stepper).

use std::thread;

use multiproc::{Lock, LockGuard, Shared, TryLockError};
use rand::Rng;
use rand::rngs::StdRng;
use serde::{Deserialize, Serialize};
use stateright::semantics::SequentialSpec;

use crate::subjects::{Subject, length, shortly};

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) enum Op {
    Lock,
    TryLock,
    LockFor(u8),
    /// Adds so much to the value, and unlocks.
    Unlock(u64),
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
    locked: bool,
    value: u64,
}

impl SequentialSpec for Held {
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

impl Subject for Lock<u64> {
    type Op = Op;
    type Ret = Ret;
    type Spec = Held;
    type Shared = Shared<Lock<u64>>;
    type Hands<'a> = Option<LockGuard<'a, u64>>;

    fn private() -> Self {
        Lock::new(0)
    }

    fn shared() -> Self::Shared {
        Shared::new(Self::private()).unwrap()
    }

    /// Everyone unlocks what it has locked before it locks again.
    fn programs(rng: &mut StdRng, actors: usize) -> Vec<Vec<Op>> {
        let section = |rng: &mut StdRng| {
            let mut ops = vec![match rng.random_range(0..4) {
                0..2 => Op::Lock,
                2 => Op::TryLock,
                _ => Op::LockFor(rng.random()),
            }];
            match rng.random_range(0..6) {
                0 => ops.push(Op::IsLocked),
                // By the one who holds it, or who was refused before.
                1 => ops.push(Op::TryLock),
                _ => {}
            }
            ops.push(Op::Unlock(rng.random_range(1..4)));
            ops
        };
        let mut whole = || (0..length(rng) / 2).flat_map(|_| section(rng)).collect();
        (0..actors).map(|_| whole()).collect()
    }

    fn perform<'a>(&'a self, hands: &mut Self::Hands<'a>, op: &Op) -> Option<Ret> {
        let locked = match *op {
            Op::Lock => self.lock().map_err(TryLockError::Poisoned),
            Op::TryLock => self.try_lock(),
            Op::LockFor(micros) => self.lock_for(shortly(micros)),
            Op::IsLocked => return Some(Ret::Is(self.is_locked())),
            Op::Unlock(more) => {
                let mut guard = hands.take()?;
                let value = *guard;
                thread::yield_now();
                *guard = value + more;
                return Some(Ret::Unlocked);
            }
        };
        Some(match locked {
            Ok(guard) => Ret::Locked(**hands.insert(guard)),
            Err(TryLockError::WouldBlock) => Ret::WouldBlock,
            Err(TryLockError::Poisoned(_)) => panic!("nobody dies here"),
        })
    }
}
