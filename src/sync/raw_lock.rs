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
//! | lock | 0 | tid | CAS |
//! | lock | owner 0 | tid, `WAITERS` kept, `OWNER_DIED` cleared (and remembered as poison) | CAS with the version |
//! | sleep | held | the same with `WAITERS` | CAS with the version, then futex wait on exactly that value |
//! | unlock | tid | 0 | CAS |
//! | unlock | tid and `WAITERS` | `WAITERS` alone, and one is woken | one `FUTEX_WAKE_OP` |
//! | nobody slept | any | `WAITERS` cleared, and all are woken | one `FUTEX_WAKE_OP` |
//! | the owner dies | tid | `OWNER_DIED`, `WAITERS` kept, and one is woken | the kernel |
//! | taken, and found lent | tid | `OWNER_DIED`, `WAITERS` kept | CAS |
//! | an owner is found dead | tid and `WAITERS`, of the same version since before the question | the finder's tid and `WAITERS` | CAS with the version |
//!
//! # Why nobody hangs when anyone is killed at any instruction
//!
//! * *The owner.* The lock stands on its thread's robust list while held, and as the list's
//!   pending entry in the few instructions before and after, so the kernel marks the word. What
//!   the kernel does not find there (after an exec from another thread, when more than 2048
//!   locks are held at once, or when a robust mutex of glibc's was held before) a sleeper finds: it wakes every 100 ms and asks whether the owner's
//!   thread still exists. Now and then it also asks whether the owner's process still maps the lock:
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
//! # Why no lock is taken from the living
//!
//! Whoever waits finds an owner gone first, and takes the lock over then. In between the owner, which was
//! about to end, may have unlocked, or another may have taken over and given back; the number may have
//! gone to a new thread, and that one have locked. The word is then as it was.
//!
//! So it has a version, and *each step to a word that names an owner and has `WAITERS` counts it up, in
//! that step*. (Where nobody waits there is none: the shortest way to lock and to unlock knows no version.)
//! A word with `WAITERS` is what a finder has seen. It looks at the version, asks whether the owner is
//! gone, and exchanges both. If the version is still the same, the last step to such a word was before the
//! look, and the word has named the same owner since, also when that was asked about.
//!
//! The version has 32 bits. To be deceived, a finder would have to be stopped between question and
//! exchange while those who wait do exactly 2^32 such steps, or a multiple (an hour or more, of a lock
//! that is never left alone), and go on at a moment at which the number that it asked for holds the lock.
//!
//! Who has died may have lent what is guarded to threads that have not: see `raw_lock/lending.rs`.
//!
//! # Private memory
//!
//! A lock in a static or an `Arc` can be moved when its guard was leaked, so its address must not
//! stand on any list. It need not: its owner dies with the process, and the lock with both. (When
//! a thread leaks a guard and ends, what it reached by the guard may live on in another thread: the
//! lock stays locked.) A fork copies the lock and the guard, and the owner's name there, which is
//! not its number, stays the same. [`RawLock::settle`] tells a lock that it has come to memory that
//! neither moves nor goes, and that others map too.

mod lending;
mod poison;

use std::mem::offset_of;

use crate::error::PoisonCause;
use crate::sync::raw_lock::lending::PAUSES;
use crate::sync::waiters::wake_and_clear;
use crate::sys::{
    CurrentThread, Deadline, Doubling, Futex, Lender, Node, OneIn, Op, Ordering::*, Placement,
    ProcessInstance, Slot, Versioned, Wait, const_fn,
};

const OWNER: u32 = OWNER_DIED - 1;
const OWNER_DIED: u32 = 1 << 30;
const WAITERS_BIT: u32 = 31;
const WAITERS: u32 = 1 << WAITERS_BIT;

/// The slot of a lock in private memory, which is on no list.
const PRIVATE: Slot = 0;

/// Of so many slices of a wait, one is for a closer look at the owner.
const CLOSELY: u32 = 10;

/// 40 bytes, laid out so that the node lies where glibc has it in a robust mutex.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct RawLock {
    word: Versioned,
    poison: Futex,
    placement: Placement,
    /// The life of the process to whose threads the value is lent.
    lender: Lender,
    node: Node,
}

const _: () = assert!(Node::finds(offset_of!(RawLock, node), offset_of!(RawLock, word)));

/// Why a lock was not taken that was seen free.
enum Missed {
    /// The word is another.
    Changed(u32),
    /// Its owner died, but others can still use what it guards.
    Lent,
}

/// That the lock is held, by whom, and where it stands among the locks on the owner's robust list,
/// if it does: kept by the owner, where no peer can change it. Not `Send`.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Hold(Slot, CurrentThread);

impl RawLock {
    const_fn! {
        /// A free lock.
        pub(crate) fn new() -> Self {
            let word = Versioned::new(0);
            RawLock {
                node: Node::of(word.word()),
                word,
                poison: Futex::new(0),
                placement: Placement::new(),
                lender: Lender::new(0),
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
        let seen = self.word.load(Relaxed);
        if seen & OWNER != 0 {
            self.word
                .store(seen & !OWNER | ProcessInstance::pid(ProcessInstance::current()), Relaxed);
        }
        self.placement.settle();
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
        let hold = self.acquire(|name, settled, seen| self.lock_slow(name, settled, seen, until));
        if hold.is_none() && until == Deadline::Never {
            refuse_to_wait();
        }
        hold
    }

    /// Locks, if that is possible now.
    #[inline]
    pub(crate) fn try_lock(&self) -> Option<Hold> {
        self.acquire(|name, _, seen| self.take_free(name, seen))
    }

    /// The hold of this thread, if it holds the lock already: the same once more, not a second one.
    #[inline]
    pub(crate) fn held(&self) -> Option<Hold> {
        let me = CurrentThread::current();
        // Relaxed: that this thread is the owner only this thread has written.
        let names_me = || self.word.load(Relaxed) & OWNER == me.name();
        // What is shared is not believed: this thread has it on its list, or not. In private memory the
        // word tells.
        if self.placement.is_settled() {
            return me.slot_of(&self.node, names_me).map(|slot| Hold(slot, me));
        }
        names_me().then_some(Hold(PRIVATE, me))
    }

    #[inline(always)]
    fn acquire(&self, otherwise: impl FnOnce(u32, bool, u32) -> bool) -> Option<Hold> {
        let me = CurrentThread::current();
        // Once, for all that follows: a peer can change it meanwhile. That costs itself the kernel's help,
        // not us: who is linked is in the owner's `Hold`.
        let settled = self.placement.is_settled();
        let name = if settled { me.begin(&self.node) } else { me.name() };
        // Acquire: pairs with the Release of every unlock; carries what was written under the
        // lock. Weaker: the model `lock::excludes` sees the race.
        if let Err(seen) = self.word.compare_exchange(0, name, Acquire, Relaxed)
            && !otherwise(name, settled, seen)
        {
            if settled {
                me.end();
            }
            return None;
        }
        Some(Hold(if settled { me.link(&self.node) } else { PRIVATE }, me))
    }

    #[cold]
    #[cfg_attr(modelled, forgets(loops, as_caller))]
    fn lock_slow(&self, name: u32, settled: bool, seen: u32, until: Deadline) -> bool {
        let mut seen = self.word.spin(seen, |seen| seen & OWNER == 0 || seen & WAITERS != 0);
        let (mut closely, mut pauses) = (OneIn::new(CLOSELY), Doubling::new(PAUSES.0, PAUSES.1));
        loop {
            if seen & OWNER == 0 {
                match self.take(name, seen) {
                    Ok(()) => return true,
                    Err(Missed::Changed(now)) => seen = now,
                    Err(Missed::Lent) if until.has_passed() => return false,
                    Err(Missed::Lent) => {
                        seen = self.await_lender(seen, until.sooner(pauses.next()).0);
                    }
                }
                continue;
            }
            // Whether it is really this thread that the word names: the main thread's number is
            // also its process's, and a peer can write anything.
            if until == Deadline::Never && seen & OWNER == name && self.held().is_some() {
                return false;
            }
            if seen & WAITERS == 0 {
                match self.announce(seen) {
                    Ok(announced) => seen = announced,
                    Err(now) => {
                        seen = now;
                        continue;
                    }
                }
            }
            match self.word.wait_slice(seen, until) {
                Wait::Woken | Wait::Changed => {}
                Wait::Slice => {
                    let look_closely = closely.next();
                    // An owner in private memory, where it goes with the lock, never is gone.
                    let is_dead = || settled && self.is_dead(seen & OWNER, look_closely);
                    if self.take_over(name, seen, is_dead) {
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

    /// Writes that somebody is about to sleep until the lock is free; gives what the word is with it, or
    /// what it is instead of `seen`.
    fn announce(&self, seen: u32) -> Result<u32, u32> {
        let announced = seen | WAITERS;
        // Relaxed: it only announces a sleeper; the data travels with the CAS that takes.
        self.word.exchange(seen, announced, Relaxed)?;
        Ok(announced)
    }

    /// Takes a lock seen free, with or without `WAITERS` and `OWNER_DIED`.
    fn take(&self, name: u32, seen: u32) -> Result<(), Missed> {
        // Acquire: as in `acquire`. Weaker: `lock::hands_over` sees the race.
        self.word.exchange(seen, name | seen & WAITERS, Acquire).map_err(Missed::Changed)?;
        if seen & OWNER_DIED != 0 {
            if self.is_lent(true) {
                self.take_back(name);
                return Err(Missed::Lent);
            }
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
                Err(Missed::Changed(now)) => seen = now,
                Err(Missed::Lent) => return false,
            }
        }
        false
    }

    /// Takes the lock from the owner that `seen` names, with `WAITERS`, if that one is gone.
    fn take_over(&self, name: u32, seen: u32, is_dead: impl FnOnce() -> bool) -> bool {
        // Before the question: where the word still has this version and names the owner, it has done so
        // all the time, also when the answer was given.
        let version = self.word.version();
        if !is_dead() {
            return false;
        }
        // Acquire: there is no Release to pair with; what the dead wrote before dying is seen in
        // the order that the kernel's switch from it gave.
        let taken = self.word.exchange_since(version, seen, name | WAITERS, Acquire);
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
            if settled {
                // Relaxed: after all that used what was lent, which ended before in this thread or was
                // waited for by it; and before the exchange, which is Release.
                self.lender.store(0, Relaxed);
            }
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
        wake_and_clear(&self.word, WAITERS_BIT, 1, |word, n| {
            word.wake_op(Op::SetBit(WAITERS_BIT), n, Release)
        });
    }

    /// Whether the owner died, and nobody has taken the lock since.
    pub(crate) fn owner_is_dead(&self) -> bool {
        // Relaxed: a glance; who then locks sees it again, in order.
        let seen = self.word.load(Relaxed);
        let is_dead = || self.placement.is_settled() && self.is_dead(seen & OWNER, true);
        seen & OWNER_DIED != 0 && !self.is_lent(true) || seen & OWNER != 0 && is_dead()
    }

    /// Whether someone holds the lock right now.
    pub(crate) fn is_locked(&self) -> bool {
        // Relaxed: a glance, outdated when it is given.
        let seen = self.word.load(Relaxed);
        seen & OWNER != 0 || seen & OWNER_DIED != 0 && self.is_lent(true)
    }
}

/// Whoever has the lock and waits for it without a deadline would wait for ever.
#[cold]
fn refuse_to_wait() -> ! {
    panic!("this thread holds the lock already and would wait for itself for ever");
}

#[cfg(test)]
mod tests;
