//! Every operation of each primitive that cannot block, in shared memory, against plain values; the
//! locks in any order, so that the list of those held is mended in any order.

mod barrier;
mod condition;
mod event;
mod lock;
mod semaphore;
mod value;

use std::cell::Cell;
use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{
    Barrier, BoundedSemaphore, Condition, Event, Lock, ProcessSafe, RLock, RobustSemaphore,
    Semaphore, Shared, Value, fuzz_support,
};

use super::Way;

const LOCKS: usize = 40;

#[derive(ProcessSafe)]
struct Scene {
    locks: [Lock<u32>; LOCKS],
    rlocks: [RLock<Cell<u32>>; 2],
    condition: Condition,
    event: Event,
    semaphore: Semaphore,
    bounded: BoundedSemaphore,
    robust: RobustSemaphore<4>,
    barrier: Barrier,
    value: Value<i16>,
}

#[derive(Arbitrary, Debug)]
enum Turn {
    Lock(u8, lock::Turn),
    RLock(bool, lock::Turn),
    /// With the lock of that number.
    Condition(u8, condition::Turn),
    Event(event::Turn),
    Semaphore(semaphore::Turn),
    Bounded(semaphore::Turn),
    Robust(semaphore::Turn),
    Barrier(barrier::Turn),
    Value(value::Turn),
    HandOver,
}

#[derive(Arbitrary, Debug)]
struct Play {
    semaphore: u8,
    bounded: u8,
    robust: u8,
    parties: u8,
    turns: Vec<Turn>,
}

const NOW: Duration = Duration::ZERO;

/// A deadline that has passed when it is looked at.
fn now() -> Instant {
    Instant::now()
}

pub(super) fn play(bytes: &[u8]) {
    let Some(play) = super::said::<Play>(bytes) else { return };
    let [semaphore, bounded] = [play.semaphore % 4, play.bounded % 4].map(u32::from);
    let (robust, parties) = (u32::from(play.robust % 5), u32::from(play.parties % 3) + 1);
    let scene = Scene {
        locks: [const { Lock::new(0) }; LOCKS],
        rlocks: [const { RLock::new(Cell::new(0)) }; 2],
        condition: Condition::new(),
        event: Event::new(),
        semaphore: Semaphore::new(semaphore),
        bounded: BoundedSemaphore::new(bounded),
        robust: RobustSemaphore::new(robust),
        barrier: Barrier::new(parties),
        value: Value::new(0),
    };
    let scene = Shared::new(scene).unwrap();
    // Mapped a second time, as in a child: what is taken here is given back there.
    let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&scene)).unwrap();
    let (scene, twin) = (scene, fuzz_support::attached::<Shared<Scene>>(fd).unwrap());
    let mut here = [&*scene, &*twin];
    let mut locks = [const { lock::Model::new() }; LOCKS];
    let mut rlocks = [const { lock::Model::new() }; 2];
    let mut event = false;
    let mut semaphore = semaphore::Model::new(semaphore, |free, _| Semaphore::MAX - free);
    let mut bounded = semaphore::Model::new(bounded, move |free, _| bounded - free);
    let mut robust = semaphore::Model::new(robust, |free, held| 4 - free - held);
    let mut barrier = barrier::Model { parties, broken: None };
    let mut value = value::Model { number: 0, lock: lock::Model::new() };
    for turn in play.turns {
        let scene = here[0];
        match turn {
            Turn::Lock(at, turn) => {
                let at = usize::from(at) % LOCKS;
                locks[at].play(&turn, &scene.locks[at]);
            }
            Turn::RLock(at, turn) => {
                let at = usize::from(at);
                rlocks[at].play(&turn, &scene.rlocks[at]);
            }
            Turn::Condition(at, turn) => {
                condition::play(&turn, &scene.condition, &mut locks[usize::from(at) % LOCKS]);
            }
            Turn::Event(turn) => event::play(&turn, &scene.event, &mut event),
            Turn::Semaphore(turn) => semaphore.play(&turn, &scene.semaphore),
            Turn::Bounded(turn) => bounded.play(&turn, &scene.bounded),
            Turn::Robust(turn) => robust.play(&turn, &scene.robust),
            Turn::Barrier(turn) => barrier.play(&turn, &scene.barrier),
            Turn::Value(turn) => value.play(&turn, &scene.value),
            Turn::HandOver => here.swap(0, 1),
        }
    }
}
