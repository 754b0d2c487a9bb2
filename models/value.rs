//! `Value`: as an element of a `SharedArray`, whose orderings it has.

use std::sync::Arc;

use loom::thread;
use multiproc::Value;

use crate::data::Data;
use crate::harness::{Model, models, witness};

models! {
    carries: Model {
        shows: "a number that is seen written carries what was done before it",
        floor: 10,
        witnesses: &["seen"],
        twins: &["array.set", "array.get"],
        run: || {
            let shared = Arc::new((Value::new(0u8), Data::default()));
            let other = shared.clone();
            let writer = thread::spawn(move || {
                other.1.write(7);
                other.0.set(1);
            });
            if shared.0.get() == 1 {
                witness("seen");
                assert_eq!(shared.1.read(), 7);
            }
            writer.join().unwrap();
        },
    };

    adds: Model {
        shows: "two steps under the lock and one without: none is lost",
        floor: 86,
        witnesses: &["lock.wake.one"],
        twins: &["lock.unlock.release"],
        run: || {
            let shared = Arc::new((Value::new(0u32), Data::default()));
            let other = shared.clone();
            let add = |(value, data): &(Value<u32>, Data)| {
                let _guard = value.lock().unwrap();
                data.write(data.read() + 1);
                value.fetch_add(1);
            };
            let adder = thread::spawn(move || add(&other));
            add(&shared);
            adder.join().unwrap();
            assert_eq!((shared.0.get(), shared.1.read()), (2, 2));
        },
    };
}
