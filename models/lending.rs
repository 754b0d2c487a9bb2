//! A lock of which the owner was killed, and what it guards is in use by another thread of its process.

use multiproc::{Event, Lock, PoisonCause, ProcessSafe, RLock, TryLockError};

use crate::harness::{Model, models};
use crate::stage::{
    Data, Place, explore, lends, let_sleep, reached, share, spawn_beside, spawn_mortal, spawn_with,
    stop_exploring,
};

models! {
    lock (one_dies, slices_end, explored_only): Model {
        shows: "nobody has a lock while a thread of a process whose owner died uses what was lent to it",
        min_explored: 1_000,
        must_reach: &["lived", "died", "poisoned", "in use", "RawLock::take: self.is_lent(true)"],
        run: || lend(
            Lock::new(()),
            |lock, use_it| {
                let guard = lock.lock();
                use_it();
                drop(guard);
            },
            |lock, look| match lock.lock() {
                Ok(_guard) => look(None),
                Err(poisoned) => look(Some(poisoned.cause())),
            },
            |lock| lock.is_locked(),
        ),
    };

    rlock (one_dies, slices_end, explored_only): Model {
        shows: "the same of an RLock",
        min_explored: 1_000,
        must_reach: &["lived", "died", "poisoned", "in use", "RawLock::take: self.is_lent(true)"],
        run: || lend(
            RLock::new(()),
            |lock, use_it| {
                let guard = lock.lock();
                use_it();
                drop(guard);
            },
            |lock, look| match lock.lock() {
                Ok(_guard) => look(None),
                Err(poisoned) => look(Some(poisoned.cause())),
            },
            |lock| lock.is_locked(),
        ),
    };

    is_given_back (one_dies, slices_end, explored_only): Model {
        shows: "one who had lent what a lock guards, and lives, keeps nobody from it once it has unlocked",
        min_explored: 20,
        must_reach: &["lived", "died"],
        run: || {
            stop_exploring();
            let shared = share((Lock::new(()), Event::new()));
            let lender = spawn_with(&shared, |shared| {
                lends();
                drop(shared.0.lock());
                shared.1.wait();
            });
            let_sleep(1);
            let owner = spawn_mortal(&shared, |shared| drop(shared.0.lock()));
            explore();
            reached(if owner.ended().is_some() { "lived" } else { "died" });
            let locked = shared.0.try_lock();
            assert!(!matches!(locked, Err(TryLockError::WouldBlock)), "nobody has it");
            drop(locked);
            shared.1.set();
            lender.join();
        },
    };
}

#[derive(ProcessSafe)]
struct Lent<L> {
    lock: L,
    /// Guarded by the lock.
    data: Data,
}

const IN_USE: u32 = 1;
const USED: u32 = 2;

/// An owner lends what it has locked to another thread of its process, and may be killed at any step.
fn lend<L: ProcessSafe + Send + Sync + 'static>(
    lock: L,
    locked: fn(&L, &dyn Fn()),
    look: fn(&L, &dyn Fn(Option<PoisonCause>)),
    is_locked: fn(&L) -> bool,
) {
    stop_exploring();
    let lent: Place<Lent<L>> = share(Lent { lock, data: Data::default() });
    let owner = spawn_mortal(&lent, move |lent| {
        lends();
        locked(&lent.lock, &|| {
            let user = spawn_beside(lent, |lent| {
                lent.data.write(IN_USE);
                lent.data.write(USED);
            });
            user.join();
        });
    });
    explore();
    let before = lent.data.read();
    let is_locked = is_locked(&lent.lock);
    if before == IN_USE && lent.data.read() == IN_USE {
        reached("in use");
        assert!(is_locked, "what it guards is in use");
    }
    look(&lent.lock, &|poison| {
        assert_ne!(lent.data.read(), IN_USE, "given to another while it is in use");
        if let Some(cause) = poison {
            assert_eq!(cause, PoisonCause::OwnerDied);
            reached("poisoned");
        }
    });
    let lived = owner.ended().is_some();
    reached(if lived { "lived" } else { "died" });
}
