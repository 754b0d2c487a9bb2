//! `Event`.

use arbitrary::Arbitrary;
use multiproc::Event;

use super::{NOW, Way, now};

#[derive(Arbitrary, Debug)]
pub(super) enum Turn {
    Set,
    Clear,
    Wait(Way),
}

pub(super) fn play(turn: &Turn, event: &Event, set: &mut bool) {
    match turn {
        Turn::Set => {
            event.set();
            *set = true;
        }
        Turn::Clear => {
            event.clear();
            *set = false;
        }
        Turn::Wait(Way::Plain) if *set => event.wait(),
        Turn::Wait(Way::Until) => assert_eq!(event.wait_until(now()), *set),
        Turn::Wait(_) => assert_eq!(event.wait_for(NOW), *set),
    }
    assert_eq!(event.is_set(), *set);
}
