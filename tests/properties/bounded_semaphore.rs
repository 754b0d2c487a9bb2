use multiproc::BoundedSemaphore;

use crate::model::{SEATS, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::semaphore::{Answer, Call, Kind, Permits, subject};
use crate::wait::Wait;

in_both_places! { <BoundedSemaphore>; agrees_with_a_number_and_its_limit }

fn agrees_with_a_number_and_its_limit<P: Place<BoundedSemaphore>>() {
    agrees::<OnBoundedSemaphore<P>>();
}

/// No more are free than at first.
#[derive(Clone)]
pub(crate) struct Bounded;

impl Kind for Bounded {
    const NAME: &str = "BoundedSemaphore";

    fn max(first: u32) -> u32 {
        first
    }
}

subject! { OnBoundedSemaphore: BoundedSemaphore, Bounded, BoundedSemaphore::limit }
