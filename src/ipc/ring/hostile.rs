//! A peer that writes anything anywhere: each call comes back, with a message or an error.

use std::time::Duration;

use proptest::prelude::*;

use crate::ipc::ring::buffer::Buffer;
use crate::ipc::ring::words::{ONE, sleep};
use crate::ipc::ring::{Refusal, Ring, WaitMode};
use crate::sys::{AdaptiveSpin, Deadline, Futex, Ordering::Relaxed, Wait};

#[derive(Clone, Copy, Debug)]
enum Step {
    Put(usize),
    Get,
    Len,
    Tail(u32),
    Head(u32),
    SeenByProducers(u64),
    SeenByConsumers(u32),
    Slot(u32, u64),
    Granule(u32, u64),
    AdaptiveSpin(u32),
}

/// Anything, and more often what is nearly right.
fn word() -> impl Strategy<Value = u32> {
    prop_oneof![any::<u32>(), 0u32..64, (0u32..64).prop_map(|near| near.wrapping_neg())]
}

fn pair() -> impl Strategy<Value = u64> {
    (word(), word()).prop_map(|(low, high)| u64::from(low) | u64::from(high) << 32)
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0usize..=64).prop_map(Step::Put),
        (0usize..=9).prop_map(Step::Put),
        Just(Step::Get),
        Just(Step::Get),
        Just(Step::Len),
        word().prop_map(Step::Tail),
        word().prop_map(Step::Head),
        pair().prop_map(Step::SeenByProducers),
        word().prop_map(Step::SeenByConsumers),
        (0u32..4, pair()).prop_map(|(slot, bits)| Step::Slot(slot, bits)),
        (0u32..8, pair()).prop_map(|(at, bits)| Step::Granule(at, bits)),
        word().prop_map(Step::AdaptiveSpin),
    ]
}

#[test]
#[cfg_attr(modelled, ignore = "a model's objects need an engine")]
fn a_word_that_never_stands_still_keeps_nobody_beyond_the_deadline() {
    let (word, adaptive_spin) = (Futex::new(ONE), AdaptiveSpin::new());
    assert_eq!(sleep(&word, &adaptive_spin, 0, Deadline::after(Duration::ZERO)), Wait::TimedOut);
    assert_eq!(sleep(&word, &adaptive_spin, 0, Deadline::Never), Wait::Woken);
}

proptest! {
    #[test]
    #[cfg_attr(modelled, ignore = "a model's objects need an engine")]
    fn whatever_a_peer_writes_each_call_comes_back(
        steps in prop::collection::vec(step(), 0..60),
    ) {
        let ring = Ring::new(3, 64, 0).unwrap();
        let (memory, sides) = (&ring.memory, ring.memory.sides());
        for step in steps {
            let mut buffer = Buffer::take();
                match step {
                    Step::Put(bytes) => {
                        let mut writer = buffer.writer();
                        (0..bytes).for_each(|_| writer.push(7));
                        writer.finish();
                        let put = ring.put(&buffer, &WaitMode::Not);
                        prop_assert!(put != Err(Refusal::Closed) || ring.is_closed());
                    }
                    Step::Get => {
                        if ring.get(&mut buffer, &WaitMode::Not).is_ok() {
                            prop_assert!(buffer.message().len() <= ring.bytes());
                        }
                    }
                    Step::Len => {
                        prop_assert!(ring.len() <= ring.capacity());
                        prop_assert_eq!(ring.bytes(), 64);
                    }
                    // Relaxed, here and below: one thread is its own peer.
                    Step::Tail(word) => sides.tail.store(word, Relaxed),
                    Step::Head(word) => sides.head.store(word, Relaxed),
                    Step::SeenByProducers(bits) => sides.producers.seen.store(bits, Relaxed),
                    Step::SeenByConsumers(word) => sides.consumers.seen.store(word, Relaxed),
                    Step::Slot(slot, bits) => memory.slot(slot).write(bits),
                    Step::Granule(at, bits) => memory.granules(at, 1)[0].write(bits),
                    Step::AdaptiveSpin(word) => {
                        sides.producers.adaptive_spin.scribble(word);
                        prop_assert!(sides.producers.adaptive_spin.turns() <= 400);
                    }
                }
        }
    }
}
