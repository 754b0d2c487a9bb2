//! `Condition`, on which nobody else waits, and which nobody else notifies meanwhile.

use arbitrary::Arbitrary;
use multiproc::{Condition, Lock, Poisoned};

use super::{NOW, Way, lock, now};

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Wait(Way),
    /// As long as the count is this, or another.
    WaitWhile {
        same: bool,
        way: Way,
    },
    NotifyOne,
    Notify(u32),
    NotifyAll,
}

/// Waits with a guard of this lock, if there is one.
pub(super) fn play<'a>(turn: &Turn, condition: &Condition, lock: &mut lock::Model<'a, Lock<u32>>) {
    match *turn {
        Turn::Wait(way) => {
            let Some(guard) = lock.guards.pop() else { return };
            let waited = match way {
                Way::Until => condition.wait_until(guard, now()),
                _ => condition.wait_for(guard, NOW),
            };
            let ((guard, notified), poisoned) = opened(waited);
            assert!(!notified, "what was notified before is over");
            assert_eq!(poisoned, lock.poisoned);
            lock.guards.push(guard);
        }
        Turn::WaitWhile { same, way } => {
            let Some(guard) = lock.guards.pop() else { return };
            let (mut looks, was) = (0, *guard);
            let holds = |count: &mut u32| {
                looks += 1;
                (*count == was) == same
            };
            let ((guard, over), poisoned) = match way {
                Way::Plain if !same => {
                    let (guard, poisoned) = opened(condition.wait_while(guard, holds));
                    ((guard, true), poisoned)
                }
                Way::Until => opened(condition.wait_while_until(guard, now(), holds)),
                _ => opened(condition.wait_while_for(guard, NOW, holds)),
            };
            assert_eq!(over, !same);
            // Only who has given the lock up finds it poisoned, and then does not look again.
            assert_eq!(poisoned, same && lock.poisoned);
            assert_eq!(looks, if same && !poisoned { 2 } else { 1 });
            lock.guards.push(guard);
        }
        Turn::NotifyOne => condition.notify_one(),
        Turn::Notify(n) => condition.notify(n),
        Turn::NotifyAll => condition.notify_all(),
    }
}

/// What is inside, and whether it is poisoned.
fn opened<G>(result: Result<G, Poisoned<G>>) -> (G, bool) {
    match result {
        Ok(guard) => (guard, false),
        Err(poisoned) => (poisoned.into_inner(), true),
    }
}
