//! Every operation of lock, event and semaphore that cannot block, in shared memory, against plain
//! values; the locks in any order, so that the list of those held is mended in any order.

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{Event, Lock, LockGuard, Permit, Semaphore, Shared, fuzz_support};

/// How a call waits.
#[derive(Arbitrary, Clone, Copy, Debug)]
enum Way {
    /// For ever: only where it need not wait.
    Plain,
    Try,
    For,
    Until,
}

#[derive(Arbitrary, Debug)]
enum Turn {
    Lock(u8, Way),
    Unlock(u8),
    IsLocked(u8),
    Set,
    Clear,
    IsSet,
    Wait(Way),
    Acquire { way: Way, keep: bool },
    DropPermit,
    Release(u32),
    Value,
    HandOver,
}

const LOCKS: usize = 40;

type Scene = ([Lock<u32>; LOCKS], Event, Semaphore);

/// What the scene should be.
struct Model<'a> {
    guards: [Option<LockGuard<'a, u32>>; LOCKS],
    counts: [u32; LOCKS],
    set: bool,
    free: u32,
    permits: Vec<Permit<'a>>,
}

pub(super) fn play(bytes: &[u8]) {
    let Some(turns) = super::said::<Vec<Turn>>(bytes) else { return };
    let locks = [const { Lock::new(0) }; LOCKS];
    let scene: Shared<Scene> = Shared::new((locks, Event::new(), Semaphore::new(0))).unwrap();
    // Mapped a second time, as in a child: what is taken here is given back there.
    let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&scene)).unwrap();
    let (scene, twin) = (scene, fuzz_support::attached::<Shared<Scene>>(fd).unwrap());
    let mut here = [&*scene, &*twin];
    let mut model = Model {
        guards: [const { None }; LOCKS],
        counts: [0; LOCKS],
        set: false,
        free: 0,
        permits: Vec::new(),
    };
    for turn in turns {
        if let Turn::HandOver = turn {
            here.swap(0, 1);
        } else {
            one(turn, here[0], &mut model);
        }
    }
}

fn one<'a>(turn: Turn, (locks, event, semaphore): &'a Scene, model: &mut Model<'a>) {
    match turn {
        Turn::Lock(at, way) => {
            let at = usize::from(at) % LOCKS;
            let free = model.guards[at].is_none();
            let locked = match way {
                Way::Plain if free => locks[at].lock().map_err(|_| ()),
                Way::Plain | Way::Try => locks[at].try_lock().map_err(|_| ()),
                Way::For => locks[at].lock_for(Duration::ZERO).map_err(|_| ()),
                Way::Until => locks[at].lock_until(Instant::now()).map_err(|_| ()),
            };
            assert_eq!(locked.is_ok(), free);
            if let Ok(mut guard) = locked {
                assert_eq!(*guard, model.counts[at]);
                *guard += 1;
                model.counts[at] += 1;
                model.guards[at] = Some(guard);
            }
        }
        Turn::Unlock(at) => model.guards[usize::from(at) % LOCKS] = None,
        Turn::IsLocked(at) => {
            let at = usize::from(at) % LOCKS;
            assert_eq!(locks[at].is_locked(), model.guards[at].is_some());
            assert!(!locks[at].is_poisoned());
        }
        Turn::Set => {
            event.set();
            model.set = true;
        }
        Turn::Clear => {
            event.clear();
            model.set = false;
        }
        Turn::IsSet => assert_eq!(event.is_set(), model.set),
        Turn::Wait(Way::Plain) if model.set => event.wait(),
        Turn::Wait(Way::Until) => assert_eq!(event.wait_until(Instant::now()), model.set),
        Turn::Wait(_) => assert_eq!(event.wait_for(Duration::ZERO), model.set),
        Turn::Acquire { way, keep } => {
            let permit = match way {
                Way::Plain if model.free > 0 => Some(semaphore.acquire()),
                Way::Plain | Way::Try => semaphore.try_acquire(),
                Way::For => semaphore.acquire_for(Duration::ZERO),
                Way::Until => semaphore.acquire_until(Instant::now()),
            };
            assert_eq!(permit.is_some(), model.free > 0);
            if let Some(permit) = permit {
                model.free -= 1;
                if keep { model.permits.push(permit) } else { permit.forget() }
            }
        }
        Turn::DropPermit => {
            // One that finds the semaphore full is given to nobody.
            if model.permits.pop().is_some() {
                model.free = model.free.saturating_add(1).min(Semaphore::MAX);
            }
        }
        Turn::Release(more) => {
            let sum = model.free.checked_add(more).filter(|&sum| sum <= Semaphore::MAX);
            assert_eq!(semaphore.release(more).is_ok(), sum.is_some());
            model.free = sum.unwrap_or(model.free);
        }
        Turn::Value => assert_eq!(semaphore.value(), model.free),
        Turn::HandOver => unreachable!("it is not of a scene"),
    }
}
