//! A `Deserialize` that is called with made-up values may keep what it was given.

use std::cell::Cell;
use std::sync::Mutex;
use std::time::Duration;

use multiproc::{Event, Process, RLock, Shared, pipe};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::LONG;
use crate::alone::alone;

type Counter = Shared<RLock<Cell<u64>>>;

static KEPT: Mutex<Vec<Counter>> = Mutex::new(Vec::new());

struct Keeper;

impl Serialize for Keeper {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Keeper {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        KEPT.lock().unwrap().push(Deserialize::deserialize(deserializer)?);
        Ok(Keeper)
    }
}

#[test]
fn a_made_up_value_that_is_kept_excludes_other_processes() {
    alone(|()| {
        let (_receiver, sender) = pipe().unwrap();
        // Whether it can be sent does not matter: that is found out.
        let _ = sender.send(Keeper);
        let kept = KEPT.lock().unwrap().pop().expect("it was called with a made-up value");
        let [begun, locked, tried] = [(); 3].map(|()| Shared::new(Event::new()).unwrap());
        let child = Process::fork(|| {
            begun.set();
            assert!(locked.wait_for(LONG));
            let enters = kept.lock_for(Duration::from_millis(100)).is_ok();
            tried.set();
            enters
        });
        let child = child.unwrap();
        assert!(begun.wait_for(LONG));
        let guard = kept.lock().unwrap();
        locked.set();
        assert!(tried.wait_for(LONG));
        drop(guard);
        assert!(!child.join().unwrap(), "the child is in while its parent is");
    });
}
