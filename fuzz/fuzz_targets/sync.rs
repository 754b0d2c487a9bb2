//! Every operation of lock, event and semaphore that cannot block, in shared memory, against plain
//! values; the locks in any order, so that the list of those held is mended in any order.
#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use multiproc::{Event, Lock, LockGuard, Semaphore, Shared};

#[derive(Arbitrary, Debug)]
enum Turn {
    Lock(u8),
    LockFor(u8),
    Unlock(u8),
    Set,
    Clear,
    IsSet,
    WaitFor,
    Acquire,
    AcquireFor,
    Release(u8),
    Value,
}

const LOCKS: usize = 40;

fuzz_target!(|turns: Vec<Turn>| {
    let shared =
        Shared::new(([const { Lock::new(0u32) }; LOCKS], Event::new(), Semaphore::new(0))).unwrap();
    let (locks, event, semaphore) = &*shared;
    let mut guards: [Option<LockGuard<u32>>; LOCKS] = [const { None }; LOCKS];
    let mut counts = [0; LOCKS];
    let (mut flag, mut permits) = (false, 0);
    for turn in turns {
        match turn {
            Turn::Lock(at) | Turn::LockFor(at) => {
                let at = usize::from(at) % LOCKS;
                let locked = match turn {
                    Turn::Lock(_) => locks[at].try_lock(),
                    _ => locks[at].lock_for(Duration::ZERO),
                };
                assert_eq!(locked.is_ok(), guards[at].is_none());
                if let Ok(mut guard) = locked {
                    assert_eq!(*guard, counts[at]);
                    *guard += 1;
                    counts[at] += 1;
                    guards[at] = Some(guard);
                }
            }
            Turn::Unlock(at) => guards[usize::from(at) % LOCKS] = None,
            Turn::Set => {
                event.set();
                flag = true;
            }
            Turn::Clear => {
                event.clear();
                flag = false;
            }
            Turn::IsSet => assert_eq!(event.is_set(), flag),
            Turn::WaitFor => assert_eq!(event.wait_for(Duration::ZERO), flag),
            Turn::Acquire | Turn::AcquireFor => {
                let permit = match turn {
                    Turn::Acquire => semaphore.try_acquire(),
                    _ => semaphore.acquire_for(Duration::ZERO),
                };
                assert_eq!(permit.is_some(), permits > 0);
                if let Some(permit) = permit {
                    permit.forget();
                    permits -= 1;
                }
            }
            Turn::Release(more) => {
                semaphore.release(u32::from(more)).unwrap();
                permits += u32::from(more);
            }
            Turn::Value => assert_eq!(semaphore.value(), permits),
        }
    }
});
