use std::sync::Arc;

use multiproc::Value;
use multiproc::model::{Failure, find, spawn};

/// Adds one: but between its two steps another may add one, too.
fn count(total: &Value<u32>) {
    let seen = total.get();
    total.set(seen + 1);
}

fn lost_update() -> Failure {
    let failure = find(|| {
        let total = Arc::new(Value::new(0));
        let other = total.clone();
        let other = spawn(move || count(&other));
        count(&total);
        other.join();
        assert_eq!(total.get(), 2, "one is lost");
    });
    // Its `Display` is a table: a column for each thread, a row for each step.
    failure.expect("a model of it fails")
}
