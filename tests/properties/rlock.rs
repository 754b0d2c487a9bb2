use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use multiproc::{PoisonCause, RLock};

use crate::harness::{Target, WorkerOf, agrees};
use crate::lock::target;
use crate::model::lock::{LockModel, Lockable};
use crate::place::{Place, in_both_places};

in_both_places! { <RLock<Cell<u8>>>; agrees_with_its_model }

fn agrees_with_its_model<P: Place<RLock<Cell<u8>>>>() {
    agrees::<RLockTarget<P>>();
}

target! {
    RLockTarget: RLock<Cell<u8>>, LockModel<true>,
    |value| RLock::new(Cell::new(value)), |cell: Cell<u8>| cell.get()
}
