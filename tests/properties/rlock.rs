use std::any::Any;
use std::cell::Cell;
use std::sync::Arc;

use multiproc::{PoisonCause, RLock, RLockGuard, TryLockError};

use crate::lock::{Answer, Call, Locks, Owned, locks, subject};
use crate::model::{SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::wait::Wait;

in_both_places! { <RLock<Cell<u8>>>; agrees_with_an_owner_who_comes_again }

fn agrees_with_an_owner_who_comes_again<P: Place<RLock<Cell<u8>>>>() {
    agrees::<OnRLock<P>>();
}

subject! {
    OnRLock: RLock<Cell<u8>>, Owned<true>,
    |value| RLock::new(Cell::new(value)), |guard: &mut RLockGuard<Cell<u8>>, value| guard.replace(value),
    |cell: Cell<u8>| cell.get()
}
locks! { <'a> RLock<Cell<u8>> => RLockGuard<'a, Cell<u8>> }
