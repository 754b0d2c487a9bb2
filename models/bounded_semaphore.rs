//! `BoundedSemaphore`: what a `Semaphore` does, and never a permit too many.

use multiproc::BoundedSemaphore;

use crate::harness::{Model, models};
use crate::stage::{reached, share, spawn_with};

models! {
    refuses: Model {
        shows: "of two who give back the one permit that is out, one is refused",
        min_explored: 28,
        must_reach: &["the other was refused", "refused"],
        run: || {
            let seats = share(BoundedSemaphore::new(1));
            seats.acquire().forget();
            let giver = spawn_with(&seats, |seats| seats.release(1).is_ok());
            let mine = seats.release(1).is_ok();
            let its = giver.join();
            assert!(mine != its, "the one permit was given back {} times", 2 * u32::from(mine));
            reached(if mine { "the other was refused" } else { "refused" });
            assert_eq!(seats.value(), 1);
        },
    };

    hands_over: Model {
        shows: "two on one seat: one sits, and the seat comes back",
        min_explored: 1_500,
        must_reach: &["Semaphore::wake", "wake_and_clear: wake_op(Op::ClearBit"],
        run: || {
            let seats = share(BoundedSemaphore::new(1));
            let sitter = spawn_with(&seats, |seats| drop(seats.acquire()));
            drop(seats.acquire());
            sitter.join();
            assert_eq!(seats.value(), 1);
        },
    };
}
