//! `Value`: as an element of a `SharedArray`, whose orderings it has.

use multiproc::Value;

use crate::harness::{Model, models};
use crate::stage::{Data, reached, share, spawn_with};

models! {
    carries: Model {
        shows: "a number that is seen written carries what was done before it",
        min_explored: 5,
        must_reach: &["seen"],
        run: || {
            let shared = share((Value::new(0u8), Data::default()));
            let writer = spawn_with(&shared, |shared| {
                shared.1.write(7);
                shared.0.set(1);
            });
            if shared.0.get() == 1 {
                reached("seen");
                assert_eq!(shared.1.read(), 7);
            }
            writer.join();
        },
    };

    adds: Model {
        shows: "two steps under the lock and one without: none is lost",
        min_explored: 43,
        must_reach: &["RawLock::unlock_slow: wake_op(Op::SetBit"],
        run: || {
            let shared = share((Value::new(0u32), Data::default()));
            let add = |(value, data): &(Value<u32>, Data)| {
                let _guard = value.lock().unwrap();
                data.add(1);
                value.fetch_add(1);
            };
            let adder = spawn_with(&shared, move |shared| add(shared));
            add(&shared);
            adder.join();
            assert_eq!((shared.0.get(), shared.1.read()), (2, 2));
        },
    };
}
