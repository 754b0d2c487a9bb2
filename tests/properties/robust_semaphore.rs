use multiproc::RobustSemaphore;
use proptest::prelude::*;

use crate::model::{SEATS, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::semaphore::{Answer, Call, Kind, Permits, subject};
use crate::wait::Wait;

type Four = RobustSemaphore<{ MAX as usize }>;
const MAX: u32 = 4;

in_both_places! { <Four>; agrees_with_a_number_and_who_has_permits }

fn agrees_with_a_number_and_who_has_permits<P: Place<Four>>() {
    agrees::<OnRobustSemaphore<P>>();
}

/// No more are free or kept than there is room for.
#[derive(Clone)]
pub(crate) struct Robust;

impl Kind for Robust {
    const NAME: &str = "RobustSemaphore::<4>";
    const COUNTS_KEPT: bool = true;

    fn first() -> BoxedStrategy<u32> {
        (0..=MAX).boxed()
    }

    fn max(_: u32) -> u32 {
        MAX
    }
}

subject! { OnRobustSemaphore: Four, Robust, |_| MAX }
