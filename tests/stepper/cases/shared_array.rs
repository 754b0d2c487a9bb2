//! Kills at an array's lock.

use multiproc::{SharedArray, TryLockError};

use crate::trial::{Failure, Trial, check, check_eq};

/// The result of a survivor that saw unequal elements without having been told of a death.
const TORN: u8 = 1;

/// Increments both elements.
fn increment(array: &SharedArray<u64>) {
    array.fetch_add(0, 1).unwrap();
    array.fetch_add(1, 1).unwrap();
}

fn repair(array: &SharedArray<u64>) {
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
            repair(array);
            poisoned.into_inner()
        }
    };
    increment(array);
    0
}

fn check_end(trial: &Trial, array: &SharedArray<u64>) -> Result<(), Failure> {
    let guard = match array.lock_for(trial.timeout) {
        Ok(guard) => {
            check_eq("an element that is not reported", array.get(1), array.get(0))?;
            guard
        }
        Err(TryLockError::Poisoned(poisoned)) => {
            repair(array);
            poisoned.into_inner()
        }
        Err(TryLockError::WouldBlock) => return Err(Failure::Hang("the lock stays locked".into())),
    };
    let counted = array.get(0).unwrap();
    check(counted == 1 || counted == 2, || format!("1 survived, and {counted} were counted"))?;
    drop(guard);
    check(array.try_lock().is_ok(), || "its lock is not free, or was not repaired".into())
}

pub(crate) fn uncontended(trial: &Trial) -> Result<(), Failure> {
    let array = SharedArray::new(&[0; 2]).unwrap();
    let change = |()| {
        let guard = array.lock().unwrap();
        increment(&array);
        drop(guard);
    };
    let mut tracee = trial.tracee(|| (), change)?;
    tracee.finish()?;
    let next = trial.survivor(|| add(&array))?;
    tracee.kill();
    check_eq("the next owner's result", next.join()?, 0)?;
    check_end(trial, &array)
}

pub(crate) fn unlock(trial: &Trial) -> Result<(), Failure> {
    let array = SharedArray::new(&[0; 2]).unwrap();
    let mut tracee = trial.tracee(
        || array.lock().unwrap(),
        |guard| {
            increment(&array);
            drop(guard);
        },
    )?;
    let waiter = trial.waiter(|| add(&array))?;
    tracee.finish()?;
    tracee.kill();
    check_eq("the waiter's result", waiter.join()?, 0)?;
    check_end(trial, &array)
}
