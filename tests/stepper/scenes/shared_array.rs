//! Deaths around an array's lock.

use multiproc::{SharedArray, TryLockError};

use crate::cut::{Cut, Harm, same, sure};

/// A companion that saw the elements apart without having been told so.
const TORN: u8 = 1;

/// Counts both elements up.
fn count(array: &SharedArray<u64>) {
    array.fetch_add(0, 1).unwrap();
    array.fetch_add(1, 1).unwrap();
}

fn mend(array: &SharedArray<u64>) {
    array.set(1, array.get(0).unwrap()).unwrap();
    array.clear_poison();
}

fn add(array: &SharedArray<u64>) -> u8 {
    let _guard = match array.lock() {
        Ok(guard) => {
            if array.get(0) != array.get(1) {
                return TORN;
            }
            guard
        }
        Err(poisoned) => {
            mend(array);
            poisoned.into_inner()
        }
    };
    count(array);
    0
}

fn whole(cut: &Cut, array: &SharedArray<u64>) -> Result<(), Harm> {
    let guard = match array.lock_for(cut.patience) {
        Ok(guard) => {
            same("an unreported element", array.get(1), array.get(0))?;
            guard
        }
        Err(TryLockError::Poisoned(poisoned)) => {
            mend(array);
            poisoned.into_inner()
        }
        Err(TryLockError::WouldBlock) => return Err(Harm::Hang("the lock stays locked".into())),
    };
    let counted = array.get(0).unwrap();
    sure(counted == 1 || counted == 2, || format!("1 lived, and {counted} were counted"))?;
    drop(guard);
    sure(array.try_lock().is_ok(), || "its lock is not free, or was not mended".into())
}

pub(crate) fn uncontended(cut: &Cut) -> Result<(), Harm> {
    let array = SharedArray::new(&[0; 2]).unwrap();
    let change = |()| {
        let guard = array.lock().unwrap();
        count(&array);
        drop(guard);
    };
    let mut victim = cut.victim(|| (), change)?;
    victim.finish()?;
    let next = cut.companion(|| add(&array))?;
    victim.kill();
    same("the next one's answer", next.ends()?, 0)?;
    whole(cut, &array)
}

pub(crate) fn unlock(cut: &Cut) -> Result<(), Harm> {
    let array = SharedArray::new(&[0; 2]).unwrap();
    let mut victim = cut.victim(
        || array.lock().unwrap(),
        |guard| {
            count(&array);
            drop(guard);
        },
    )?;
    let sleeper = cut.sleeper(|| add(&array))?;
    victim.finish()?;
    victim.kill();
    same("the sleeper's answer", sleeper.ends()?, 0)?;
    whole(cut, &array)
}
