//! `SharedArray`: whoever sees what another wrote sees also what the other did before.

use multiproc::SharedArray;

use crate::harness::{Model, models};
use crate::stage::{Data, reached, share, spawn_with};

models! {
    carries: Model {
        shows: "an element that is seen written carries what was done before it",
        min_explored: 5,
        must_reach: &["seen"],
        run: || {
            hand_over(|array| array.set(0, 1).unwrap(), |array| array.get(0).unwrap() == 1);
        },
    };

    carries_many: Model {
        shows: "elements that are copied out, some seen written, carry what was done before them",
        min_explored: 5,
        must_reach: &["seen"],
        run: || {
            let written = |array: &SharedArray<u8>| array.to_vec()[0] == 1;
            let array = hand_over(|array| array.write_slice(0, &[1]).unwrap(), written);
            assert_eq!(array.get(0), Ok(1));
        },
    };

    swaps: Model {
        shows: "a swap hands over and takes over",
        min_explored: 3,
        must_reach: &["seen"],
        run: || {
            let swap = |array: &SharedArray<u8>| array.swap(0, 1).unwrap() == 1;
            let array = hand_over(move |array| _ = swap(array), swap);
            assert_eq!(array.get(0), Ok(1));
        },
    };

    adds: Model {
        shows: "an addition hands over and takes over, and none is lost",
        min_explored: 3,
        must_reach: &["seen"],
        run: || {
            let add = |array: &SharedArray<u8>| array.fetch_add(0, 1).unwrap() == 1;
            let array = hand_over(move |array| _ = add(array), add);
            assert_eq!(array.get(0), Ok(2));
        },
    };

    exchanges: Model {
        shows: "an exchange hands over and takes over, also when it only reads",
        min_explored: 5,
        must_reach: &["seen"],
        run: || {
            let array = hand_over(
                |array| assert_eq!(array.compare_exchange(0, 0, 1), Ok(Ok(0))),
                |array| {
                    array.compare_exchange(0, 3, 4).unwrap() == Err(1)
                        || array.compare_exchange(0, 1, 2).unwrap() == Ok(1)
                },
            );
            assert_ne!(array.get(0), Ok(0));
        },
    };

    locks: Model {
        shows: "under the lock two elements change together",
        min_explored: 45,
        must_reach: &[],
        run: || {
            let array = SharedArray::<u8>::zeroed(2).unwrap();
            let both = |array: &SharedArray<u8>| {
                let _held = array.lock().unwrap();
                let seen = (array.get(0).unwrap(), array.get(1).unwrap());
                assert_eq!(seen.0, seen.1);
                array.set(0, seen.0 + 1).unwrap();
                array.set(1, seen.1 + 1).unwrap();
            };

            let adder = spawn_with(&array, move |array| both(array));
            both(&array);
            adder.join();
            assert_eq!(array.to_vec(), [2, 2]);
        },
    };
}

/// One thread writes what nothing guards and then `tell`s; the other reads it if it `hears`.
fn hand_over(
    tell: impl FnOnce(&SharedArray<u8>) + Send + 'static,
    hears: impl FnOnce(&SharedArray<u8>) -> bool,
) -> SharedArray<u8> {
    let both = (SharedArray::zeroed(1).unwrap(), share(Data::default()));
    let teller = spawn_with(&both, move |(array, data)| {
        data.write(7);
        tell(array);
    });

    let (array, data) = both;
    if hears(&array) {
        reached("seen");
        assert_eq!(data.read(), 7);
    }
    teller.join();
    array
}
