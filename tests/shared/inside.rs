//! A value whose `Serialize` or `Deserialize` itself puts, sends or forks, while a message is made that can
//! carry memory: what it passes on goes another way, on which there is nobody to carry it.

use std::cell::RefCell;

use multiproc::{Pool, Process, ProcessError, PutError, Queue, SendCause, Shared, TaskError, pipe};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::alone::alone;

thread_local! {
    /// What is done while the value is written, or read.
    static INSIDE: RefCell<Option<Box<dyn Fn()>>> = const { RefCell::new(None) };
}

fn inside() {
    INSIDE.with_borrow(|inside| {
        if let Some(inside) = inside {
            inside();
        }
    });
}

struct Value;

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        inside();
        to.serialize_unit()
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        inside();
        <()>::deserialize(from).map(|()| Value)
    }
}

/// Starts a child with memory of its own and the value, of which `act` is done meanwhile.
#[track_caller]
fn spawn_while(act: impl Fn() + 'static) {
    INSIDE.set(Some(Box::new(act)));
    let child = Process::spawn(|(own, _): (Shared<u64>, Value)| *own, (memory(1), Value));
    INSIDE.set(None);
    assert_eq!(child.unwrap().join().unwrap(), 1);
}

fn memory(number: u64) -> Shared<u64> {
    Shared::new(number).unwrap()
}

#[test]
fn a_queue_refuses_what_only_the_message_around_could_carry() {
    let (queue, other) = (Queue::bounded(4).unwrap(), memory(2));
    let ends = queue.clone();
    spawn_while(move || {
        let refused = queue.try_put(other.clone()).unwrap_err();
        assert!(matches!(refused, PutError::Encode { .. }), "{refused}");
    });
    assert!(ends.is_empty());
}

#[test]
fn so_does_a_pipe() {
    let (receiver, sender) = pipe().unwrap();
    let other = memory(2);
    spawn_while(move || {
        let refused = sender.try_send(other.clone()).unwrap_err();
        assert!(matches!(refused.cause(), SendCause::Encode(_)), "{refused}");
    });
    assert!(receiver.try_recv().is_err());
}

#[test]
fn so_does_a_pool() {
    fn number(shared: Shared<u64>) -> u64 {
        *shared
    }
    let (pool, other) = (Pool::new(1).unwrap(), memory(2));
    spawn_while(move || {
        let one = pool.apply_async(number, other.clone()).err();
        assert!(matches!(one, Some(TaskError::Argument(_))), "{one:?}");
        let many = pool.map_async(number, [other.clone()]).err();
        let each = pool.map_results(number, [other.clone()]).err();
        for refused in [many, each] {
            let Some(TaskError::Items { items, source }) = refused else { panic!("{refused:?}") };
            assert_eq!(items, 0..1);
            assert!(matches!(*source, TaskError::Argument(_)), "{source:?}");
        }
    });
}

#[test]
fn a_child_that_is_forked_meanwhile_returns_no_memory() {
    alone(|()| {
        let other = memory(2);
        spawn_while(move || {
            let child = Process::fork(|| other.clone()).unwrap();
            let refused = child.join().unwrap_err();
            assert!(matches!(refused, ProcessError::Encode(_)), "{refused}");
        });
        // Nor is it refused what it carries itself.
        let shared = memory(3);
        spawn_while(move || {
            let child = Process::spawn(|shared: Shared<u64>| *shared, shared.clone());
            assert_eq!(child.unwrap().join().unwrap(), 3);
        });
    });
}
