//! The lock's protocol, without data: what [`Lock`](crate::Lock) and the queue's two sides share.
//!
//! # The word
//!
//! | state | owner (30 bits) | `WAITERS` | `OWNER_DIED` |
//! |---|---|---|---|
//! | free | 0 | 0 | 0 |
//! | held | tid | 0 | 0 |
//! | held, someone sleeps or did | tid | 1 | 0 |
//! | free, someone sleeps or did | 0 | 1 | 0 |
//! | its owner died | 0 | 0 or 1 | 1 |
//!
//! | step | from | to | by |
//! |---|---|---|---|
//! | lock | owner 0 | tid, `WAITERS` kept, `OWNER_DIED` cleared (and remembered as poison) | CAS |
//! | sleep | held | the same with `WAITERS` | CAS, then futex wait on exactly that value |
//! | unlock | tid | 0 | CAS |
//! | unlock | tid and `WAITERS` | `WAITERS` alone, and one is woken | one `FUTEX_WAKE_OP` |
//! | nobody slept | any | `WAITERS` cleared, and all are woken | one `FUTEX_WAKE_OP` |
//! | the owner dies | tid | `OWNER_DIED`, `WAITERS` kept, and one is woken | the kernel |
//! | an owner is found dead | tid, unchanged for a slice | the finder's tid and `WAITERS` | CAS |
//!
//! # Why nobody hangs when anyone is killed at any instruction
//!
//! * *The owner.* The lock stands on its thread's robust list while held, and as the list's
//!   pending entry in the few instructions before and after, so the kernel marks the word. What
//!   the kernel does not find there (after an exec from another thread, when more than 2048
//!   locks are held at once, or when a robust mutex of glibc's was held before) a sleeper finds: it wakes every 100 ms and asks whether the owner's
//!   thread still exists. (A lock whose guard was leaked by a thread that has ended has its
//!   process's number.) Now and then it also asks whether the owner's process still maps the lock:
//!   an exec leaves a process its number, and a number that is free goes to another. (When it goes
//!   to one that maps the lock as well, that one is taken for the owner as long as it lives.)
//! * *The unlocker.* Releasing and waking are one step inside the kernel: there is no moment in
//!   which the lock is free, a sleeper is owed a wake, and the debtor may die.
//! * *The woken sleeper*, before it takes the lock. The lock is its pending entry as it sleeps;
//!   the kernel, seeing owner 0 there, wakes another. That works only while the owner is 0, so
//!   whoever barges in must leave a trace for its own unlock to wake someone: therefore
//!   `WAITERS` is sticky. It outlives the sleeper it was set for, and is cleared only by an
//!   unlock that found nobody asleep, in one step with waking whoever came meanwhile. (Linux
//!   before 6.2 wakes another only where the whole word is 0: there a sleeper finds the lock free
//!   at the end of a slice.)
//!
//! # Private memory
//!
//! A lock in a static or an `Arc` can be moved when its guard was leaked, so its address must not
//! stand on any list. It need not: its owner dies with the process, and the lock with both. (When
//! a thread leaks a guard and ends, what it reached by the guard may live on in another thread: the
//! lock stays locked.) A fork copies the lock and the guard, and the owner's name there, which is
//! not its number, stays the same. [`RawLock::settle`] tells a lock that it has come to memory that
//! neither moves nor goes, and that others map too.

use crate::error::PoisonCause;
use crate::sys::{
    ALL, Deadline, Life, MODELLED, Me, Node, Op, Ordering::*, Slot, Wait, Word, const_fn,
};

const OWNER: u32 = OWNER_DIED - 1;
const OWNER_DIED: u32 = 1 << 30;
const WAITERS_BIT: u32 = 31;
const WAITERS: u32 = 1 << WAITERS_BIT;

/// What stands in `place` of a lock in shared memory.
const SETTLED: u32 = 1;

/// The slot of a lock in private memory, which is on no list.
const PRIVATE: Slot = 0;

/// Of so many slices of a wait, one is for a closer look at the owner.
const CLOSELY: u32 = 10;

/// What stands in `poison`.
const PANICKED: u32 = 1;
const DIED: u32 = 2;

/// 40 bytes, laid out so that the node lies where glibc has it in a robust mutex.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct RawLock {
    word: Word,
    poison: Word,
    place: Word,
    _spare: [u32; 3],
    node: Node,
}

const _: () = assert!(
    MODELLED
        || (size_of::<RawLock>() == 40
            && std::mem::offset_of!(RawLock, word) == 0
            && std::mem::offset_of!(RawLock, node) == 24)
);

/// That the lock is held, by whom, and where it stands among the locks on the owner's robust list,
/// if it does: kept by the owner, where no peer can change it. Not `Send`.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Hold(Slot, Me);

impl RawLock {
    const_fn! {
        /// A free lock.
        pub(crate) fn new() -> Self {
            let word = Word::new(0);
            RawLock {
                node: Node::of(&word),
                word,
                poison: Word::new(0),
                place: Word::new(0),
                _spare: [0; 3],
            }
        }
    }

    /// The lock has come to shared memory. If a guard of it was leaked before, its owner's name in
    /// private memory means nothing there: the lock goes to the process.
    ///
    /// # Safety
    /// It is not moved any more, and stays mapped while a thread of this process holds it.
    pub(crate) unsafe fn settle(&mut self) {
        // Relaxed: here and below, nobody else knows of the lock yet.
        let seen = if MODELLED { 0 } else { self.word.load(Relaxed) };
        if seen & OWNER != 0 {
            self.word.store(seen & !OWNER | Life::pid(Life::mine()), Relaxed);
        }
        self.place.store(SETTLED, Relaxed);
    }
}

// The fast paths are inlined whatever they cost: a guard that goes through memory costs more than
// both atomic instructions.
#[cfg_attr(modelled, multiproc_checker::mutants)]
impl RawLock {
    /// Locks, if that is possible by `until`.
    ///
    /// # Panics
    /// When this thread holds the lock already, and there is no deadline: it would wait for ever.
    #[inline(always)]
    #[cfg_attr(modelled, forgets)]
    pub(crate) fn lock(&self, until: Deadline) -> Option<Hold> {
        self.acquire(|me, name, settled, seen| self.lock_slow(me, name, settled, seen, until))
    }

    /// Locks, if that is possible now.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Hold> {
        self.acquire(|_, name, _, seen| self.take_free(name, seen))
    }

    /// The hold of this thread, if it holds the lock already: the same once more, not a second one.
    #[inline]
    pub(crate) fn held(&self) -> Option<Hold> {
        let me = Me::current();
        // What is shared is not believed: this thread has it on its list, or not.
        let slot = if self.is_settled() { me.slot_of(&self.node)? } else { PRIVATE };
        // In private memory, and in a model, which has no list, the word tells. Relaxed: that this
        // thread is the owner only this thread has written.
        let told = MODELLED || slot == PRIVATE;
        let is_mine = || self.word.load(Relaxed) & OWNER == me.name();
        (!told || is_mine()).then_some(Hold(slot, me))
    }

    #[inline(always)]
    fn acquire(&self, otherwise: impl FnOnce(Me, u32, bool, u32) -> bool) -> Option<Hold> {
        let me = Me::current();
        // Once, for all that follows: a peer can change it meanwhile.
        let settled = self.is_settled();
        let name = if settled { me.begin(&self.node) } else { me.name() };
        // Acquire: pairs with the Release of every unlock; carries what was written under the
        // lock. Weaker: the model `lock::excludes` sees the race.
        if let Err(seen) = self.word.compare_exchange(0, name, Acquire, Relaxed)
            && !otherwise(me, name, settled, seen)
        {
            if settled {
                me.end();
            }
            return None;
        }
        Some(Hold(if settled { me.link(&self.node) } else { PRIVATE }, me))
    }

    #[cold]
    #[cfg_attr(modelled, forgets)]
    fn lock_slow(&self, me: Me, name: u32, settled: bool, seen: u32, until: Deadline) -> bool {
        let mut seen = self.word.spin(seen, |seen| seen & OWNER == 0 || seen & WAITERS != 0);
        let mut slices = 0u32;
        loop {
            if seen & OWNER == 0 {
                match self.take(name, seen) {
                    Ok(()) => return true,
                    Err(now) => seen = now,
                }
                continue;
            }
            // Whether it is really this thread that the word names: the main thread's number is
            // also its process's, and a peer can write anything.
            let is_ours = || seen & OWNER == name && (!settled || me.slot_of(&self.node).is_some());
            if until == Deadline::Never && is_ours() {
                me.end();
                panic!("this thread holds the lock already and would wait for itself for ever");
            }
            if seen & WAITERS == 0 {
                // Relaxed: it only announces a sleeper; the data travels with the CAS that takes.
                let announced = seen | WAITERS;
                match self.word.compare_exchange(seen, announced, Relaxed, Relaxed) {
                    Ok(_) => seen = announced,
                    Err(now) => {
                        seen = now;
                        continue;
                    }
                }
            }
            match self.word.wait_slice(seen, until) {
                Wait::Woken | Wait::Changed => {}
                Wait::Slice => {
                    let look_closely = slices.is_multiple_of(CLOSELY);
                    slices = slices.wrapping_add(1);
                    // An owner in private memory, where it goes with the lock, never is gone.
                    let is_gone = || settled && Me::is_gone(seen & OWNER, &self.node, look_closely);
                    if is_gone() && self.rob(me, name, seen, is_gone) {
                        return true;
                    }
                }
                // The last look: it may have changed too often for a sleep.
                // Relaxed: as below.
                Wait::TimedOut => return self.take_free(name, self.word.load(Relaxed)),
            }
            // Relaxed: the CAS that takes the lock has the ordering.
            seen = self.word.load(Relaxed);
        }
    }

    /// Takes a lock seen free, with or without `WAITERS` and `OWNER_DIED`; else gives what it saw.
    fn take(&self, name: u32, seen: u32) -> Result<(), u32> {
        let waiters = seen & WAITERS;
        // Acquire: as in `acquire`. Weaker: `lock::hands_over` sees the race.
        self.word.compare_exchange(seen, name | waiters, Acquire, Relaxed)?;
        if seen & OWNER_DIED != 0 {
            self.set_poison(PoisonCause::OwnerDied);
        }
        Ok(())
    }

    /// Takes the lock as long as it is seen free.
    #[cold]
    fn take_free(&self, name: u32, mut seen: u32) -> bool {
        while seen & OWNER == 0 {
            match self.take(name, seen) {
                Ok(()) => return true,
                Err(now) => seen = now,
            }
        }
        false
    }

    /// Takes the lock from an owner who is gone, if the word is still as it was then.
    fn rob(&self, me: Me, name: u32, seen: u32, is_gone: impl Fn() -> bool) -> bool {
        // Before the lock is taken: a logger may panic, or take locks of its own, and then this
        // one is to be the pending entry again.
        me.end();
        log::warn!("thread {} is gone and held a lock: it is taken over", seen & OWNER);
        me.begin(&self.node);
        // A logger may take its time, in which others may have had the lock, and the number gone to a
        // thread that has it now. (A model has no logger.)
        if !MODELLED && !is_gone() {
            return false;
        }
        // Acquire: there is no Release to pair with; what the dead wrote before dying is seen in
        // the order that the kernel's switch from it gave.
        let taken = self.word.compare_exchange(seen, name | WAITERS, Acquire, Relaxed).is_ok();
        if taken {
            self.set_poison(PoisonCause::OwnerDied);
        }
        taken
    }

    /// Unlocks. Does nothing in a forked child that only has a copy of the hold.
    #[inline(always)]
    #[cfg_attr(modelled, forgets)]
    pub(crate) fn unlock(&self, Hold(slot, me): Hold) {
        let settled = slot != PRIVATE;
        let name = if settled { me.begin(&self.node) } else { me.name() };
        if !settled || me.unlink(&self.node, slot) {
            // Release: pairs with the Acquire of whoever takes the lock next; carries what was
            // written under it. Weaker: the model `lock::excludes` sees the race.
            if let Err(seen) = self.word.compare_exchange(name, 0, Release, Relaxed) {
                self.unlock_slow(name, seen);
            }
        }
        if settled {
            me.end();
        }
    }

    #[cold]
    fn unlock_slow(&self, name: u32, seen: u32) {
        // A peer can write anything: then the lock is not ours to free.
        if seen & OWNER != name {
            return;
        }
        // Release: as in `unlock`. Weaker: `lock::hands_over` sees the race.
        if self.word.wake_op(Op::SetBit(WAITERS_BIT), 1, Release) < 1 {
            // Relaxed: nothing is handed over. All, because a sleeper may have come meanwhile,
            // trusting in the bit that is now cleared.
            self.word.wake_op(Op::ClearBit(WAITERS_BIT), ALL, Relaxed);
        }
    }

    #[inline(always)]
    fn is_settled(&self) -> bool {
        // Relaxed: written before anyone else knew of the lock. A peer that changes it costs
        // itself the kernel's help, not us: who is linked is in the owner's `Hold`.
        MODELLED || self.place.load(Relaxed) == SETTLED
    }

    /// Whether the owner died, and nobody has taken the lock since.
    pub(crate) fn is_forsaken(&self) -> bool {
        // Relaxed: a glance; who then locks sees it again, in order.
        let seen = self.word.load(Relaxed);
        let is_gone = || self.is_settled() && Me::is_gone(seen & OWNER, &self.node, true);
        seen & OWNER_DIED != 0 || seen & OWNER != 0 && is_gone()
    }

    /// Whether an owner died or panicked, and nobody cleared it since.
    #[inline(always)]
    pub(crate) fn poison(&self) -> Option<PoisonCause> {
        // Relaxed: written and read under the lock, but by the curious and by `clear_poison`.
        match self.poison.load(Relaxed) {
            0 => None,
            PANICKED => Some(PoisonCause::Panicked),
            _ => Some(PoisonCause::OwnerDied),
        }
    }

    pub(crate) fn set_poison(&self, cause: PoisonCause) {
        let value = match cause {
            PoisonCause::Panicked => PANICKED,
            PoisonCause::OwnerDied => DIED,
        };
        // Relaxed: as in `poison`.
        self.poison.store(value, Relaxed);
    }

    pub(crate) fn clear_poison(&self) {
        // Relaxed: as in `poison`.
        self.poison.store(0, Relaxed);
    }

    /// Whether someone holds the lock right now.
    pub(crate) fn is_locked(&self) -> bool {
        // Relaxed: a glance, outdated when it is given.
        self.word.load(Relaxed) & OWNER != 0
    }
}
