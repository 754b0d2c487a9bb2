//! To wait until what a lock guards has changed.

mod guard;

use std::time::{Duration, Instant};

use crate::error::{Poisoned, TryLockError};
use crate::shm::{Layout, ProcessSafe};
use crate::sync::owed::{Accepted, Owed};
use crate::sys::{ALL, Deadline, Futex, Op, Ordering::Relaxed, Wait, const_fn, looks};

pub use guard::ConditionGuard;

const WAIT: u32 = 1;
/// One more, by which an odd word becomes even, and the next epoch.
const NEXT_BIT: u32 = 0;

/// So often in a row a sleeper finds a notification that nobody living has accepted, before it takes
/// it over: who was woken accepts it with its first few instructions.
const LOOKS: u32 = looks(10);
/// Between two of these looks; with the slice before the first, they are over within 200 ms. So often,
/// too, tries to accept whoever found no room.
const PAUSE: Duration = Duration::from_millis(10);

/// A place to wait, with a [`Lock`](crate::Lock) or an [`RLock`](crate::RLock) given up meanwhile, until
/// someone notifies.
///
/// ```
/// use multiproc::{Condition, Lock, Shared};
///
/// let shared = Shared::new((Lock::new(0), Condition::new()))?;
/// let (count, changed) = &*shared;
/// std::thread::scope(|scope| {
///     scope.spawn(|| {
///         *count.lock().unwrap() = 3;
///         changed.notify_one();
///     });
///     let count = changed.wait_while(count.lock()?, |count| *count == 0)?;
///     assert_eq!(*count, 3);
///     Ok::<(), multiproc::Error>(())
/// })?;
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// Of an [`RLock`](crate::RLock), all levels are given up, however often the thread has locked it, and all
/// are had again after the wait. (What it guards must be [`ProcessSafe`], see [`ConditionGuard`].)
///
/// ```
/// use std::cell::Cell;
///
/// use multiproc::{Condition, RLock};
///
/// static BALANCE: RLock<Cell<i64>> = RLock::new(Cell::new(0));
/// static CHANGED: Condition = Condition::new();
///
/// fn take(amount: i64) -> Result<(), multiproc::Error> {
///     let balance = CHANGED.wait_while(BALANCE.lock()?, |balance| balance.get() < amount)?;
///     balance.set(balance.get() - amount);
///     Ok(())
/// }
///
/// let payer = std::thread::spawn(|| {
///     BALANCE.lock().unwrap().set(5);
///     CHANGED.notify_one();
/// });
/// let balance = BALANCE.lock()?;
/// take(3)?; // locks again, and waits
/// assert_eq!(balance.get(), 2);
/// # payer.join().unwrap();
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// A wait may, rarely, return though nobody notified: look at the data again, or use
/// [`Condition::wait_while`], which does.
///
/// # Costs
///
/// 272 bytes. Notifying while nobody waits is a look, and no system call.
///
/// # If a process dies
///
/// * *A waiter:* nobody waits for it. A notification that had woken it, and that it did not live to
///   act on, goes to another waiter, within 200 ms. (Not to one in [`Condition::wait_while`], which
///   looks at the data instead.)
/// * *One who holds the lock,* however often, and would have notified: the waiters get [`Poisoned`], within 100 ms.
///   So they do when it panics.
/// * *One who has changed the data and unlocked, but not yet notified:* nobody can know what it was
///   about to do, but [`Condition::wait_while`] looks at the data again every 100 ms.
///
/// One who was woken and lives keeps its notification, however long it waits for the lock, and also
/// when it is stopped meanwhile. Only when it did not come to run at all for more than 100 ms after it
/// was woken may another go on as well, as if nobody had notified it. (While more than 32 threads that
/// were woken wait for the lock, what the dead left waits until they are fewer.)
///
/// # Fairness
///
/// The one that lay down first is woken first, and then takes the lock as anyone does: see
/// [`Lock`](crate::Lock). Whoever has slept for 100 ms lies down again behind the rest. Nobody is
/// guaranteed a turn.
///
/// Of 64 threads that each waited again at once for what one gave out as fast as it could, for two
/// seconds, the one in the middle waited up to 0.6 s at the longest, and the unluckiest up to all the
/// time; of 64 processes, the same. Sleepers to whom it was given one by one all went in the order in
/// which they came. (2026-11-24, a busy Zen 4 VM of 2 cores, six runs of `cargo bench -- fairness`.)
///
/// # Different from Python
///
/// The lock is not part of the condition, and waiting takes its guard: that it is held is the
/// compiler's to check. So whether it is a `Lock` or an `RLock`, which Python's makes for itself, is said by
/// the guard. It may be notified without the lock, where Python raises: nothing is lost, as
/// long as the data was changed under the lock. What Python calls `wait_for` is
/// [`Condition::wait_while`], with the opposite question; [`Condition::wait_for`] waits for so long at
/// most. Between processes, Python's `notify` waits for an answer of whoever it wakes, and hangs when
/// that was killed.
///
/// # The words
///
/// The epoch, times two, and `WAIT`: someone waits or did. Beside it, what is owed (see `owed.rs`):
/// notifications that were given, and not yet acted on, and who has accepted them.
///
/// | step | from | to | by |
/// |---|---|---|---|
/// | wait, under the lock | any | `WAIT`, then, unlocked, sleep on exactly that value | CAS, futex wait |
/// | notify `n` | `WAIT` | the same; `n` more are owed; `n` are woken | CAS, futex wake |
/// | fewer slept | `WAIT` | the next epoch, and all are woken; so many less are owed | one `FUTEX_WAKE_OP` |
/// | notify all | `WAIT` | the next epoch, and all are woken | one `FUTEX_WAKE_OP` |
///
/// A waiter is done when it was woken: it accepts at once what is owed, and once it has the lock again,
/// it has acted on it; or when it sees another epoch than it began in: it had not come to sleep yet when
/// all were notified. It is also done when it takes over what nobody living has accepted.
#[repr(C)]
#[derive(Debug)]
pub struct Condition {
    word: Futex,
    owed: Owed,
}

// SAFETY: atomics, any bits of which are some state: a life that is nobody's is found to be over.
unsafe impl ProcessSafe for Condition {
    const PINNED: bool = false;
    const LAYOUT: Layout = Layout::of::<Self>().named("Condition");
}

/// How a wait ended.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// By a wake, or what was left of one.
    Woken(Accepted),
    Notified,
    /// A slice is over, and the caller may look at the data.
    Slice,
    TimedOut,
}

/// A guard again, and whether there was a notification.
type Waited<G> = Result<(G, bool), Poisoned<(G, bool)>>;

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Condition {
    const_fn! {
        /// A condition on which nobody waits.
        pub fn new() -> Self {
            Condition { word: Futex::new(0), owed: Owed::new() }
        }
    }

    /// Gives the lock up, waits until notified, and takes the lock again.
    ///
    /// # Errors
    ///
    /// [`Poisoned`], which holds the guard, as for [`Lock::lock`](crate::Lock::lock).
    pub fn wait<G: ConditionGuard>(&self, guard: G) -> Result<G, Poisoned<G>> {
        self.wait_by(guard, Deadline::Never, false).0
    }

    /// As [`Condition::wait`], but for at most `timeout`, and however long the lock then takes; also
    /// gives whether there was a notification.
    ///
    /// # Errors
    ///
    /// As for [`Condition::wait`].
    pub fn wait_for<G: ConditionGuard>(&self, guard: G, timeout: Duration) -> Waited<G> {
        let (guard, ended) = self.wait_by(guard, Deadline::after(timeout), false);
        with(guard, ended != Ended::TimedOut)
    }

    /// As [`Condition::wait_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As for [`Condition::wait`].
    pub fn wait_until<G: ConditionGuard>(&self, guard: G, deadline: Instant) -> Waited<G> {
        let (guard, ended) = self.wait_by(guard, Deadline::at(deadline), false);
        with(guard, ended != Ended::TimedOut)
    }

    /// Waits as long as `condition` holds of the data; does not wait if it does not hold. It is shown the
    /// data of a `Lock`, as `&mut T`; of an `RLock` the guard, which gives `&T`.
    ///
    /// # Errors
    ///
    /// As for [`Condition::wait`].
    pub fn wait_while<G: ConditionGuard>(
        &self,
        guard: G,
        condition: impl FnMut(&mut G::Seen) -> bool,
    ) -> Result<G, Poisoned<G>> {
        match self.wait_while_by(guard, Deadline::Never, condition) {
            Ok((guard, _)) => Ok(guard),
            Err(poisoned) => Err(poisoned.map(|(guard, _)| guard)),
        }
    }

    /// As [`Condition::wait_while`], but for at most `timeout`, and however long the lock then takes;
    /// also gives whether the wait was over in time: false when `condition` still held.
    ///
    /// # Errors
    ///
    /// As for [`Condition::wait`].
    pub fn wait_while_for<G: ConditionGuard>(
        &self,
        guard: G,
        timeout: Duration,
        condition: impl FnMut(&mut G::Seen) -> bool,
    ) -> Waited<G> {
        self.wait_while_by(guard, Deadline::after(timeout), condition)
    }

    /// As [`Condition::wait_while_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As for [`Condition::wait`].
    pub fn wait_while_until<G: ConditionGuard>(
        &self,
        guard: G,
        deadline: Instant,
        condition: impl FnMut(&mut G::Seen) -> bool,
    ) -> Waited<G> {
        self.wait_while_by(guard, Deadline::at(deadline), condition)
    }

    /// Lets one who waits go on.
    pub fn notify_one(&self) {
        self.notify(1);
    }

    /// Lets `n` of those who wait go on, or all if they are fewer.
    pub fn notify(&self, n: u32) {
        if n > 0 && self.has_waiters() {
            self.wake(n.min(ALL));
        }
    }

    /// Lets all who wait go on.
    pub fn notify_all(&self) {
        if self.has_waiters() {
            self.release_all();
        }
    }

    #[inline]
    fn has_waiters(&self) -> bool {
        // Relaxed: who changed the data under the lock after a waiter gave it up sees also what that
        // had announced before.
        self.word.load(Relaxed) & WAIT != 0
    }

    #[cold]
    fn wake(&self, n: u32) {
        // Before the wake: if this process dies in between, a waiter finds what is owed.
        self.owed.give(n);
        if let missing @ 1.. = n - self.word.wake(n) {
            self.owed.take_back(missing);
            // There are not so many asleep, but there may be some on their way.
            self.release_all();
        }
    }

    fn release_all(&self) {
        // Relaxed: nothing is handed over, the lock does that. One step, since whoever comes in the
        // next epoch is not to be woken.
        self.word.wake_op(Op::AddBit(NEXT_BIT), ALL, Relaxed);
    }

    fn wait_while_by<G: ConditionGuard>(
        &self,
        mut guard: G,
        until: Deadline,
        mut condition: impl FnMut(&mut G::Seen) -> bool,
    ) -> Waited<G> {
        let mut ended = Ended::Notified;
        while condition(guard.seen()) {
            if ended == Ended::TimedOut {
                return Ok((guard, false));
            }
            let (again, how) = self.wait_by(guard, until, true);
            // Others can notify for ever: who is late is late all the same.
            ended = if until.has_passed() { Ended::TimedOut } else { how };
            guard = again.map_err(|poisoned| poisoned.map(|guard| (guard, false)))?;
        }
        Ok((guard, true))
    }

    /// With `looks`, the end of each slice ends the wait.
    fn wait_by<G: ConditionGuard>(
        &self,
        guard: G,
        until: Deadline,
        looks: bool,
    ) -> (Result<G, Poisoned<G>>, Ended) {
        let mut lock = G::lock_of(&guard);
        let was_poisoned = G::is_poisoned(&lock);
        let announced = self.announce();
        // SAFETY: below, the lock is had again; until then this thread does nothing but wait, in which
        // nothing panics: what cannot be waited for ends the process.
        unsafe { G::give_up(guard, &mut lock) };
        let lost = || G::owner_is_dead(&lock) || G::is_poisoned(&lock) && !was_poisoned;
        // Weaker: whoever is notified while the lock is free sleeps on, in `condition::notifies_all`.
        let mut ended = self.sleep(announced, until, looks, lost);
        let guard = self.relock(&lock, &mut ended);
        if let Ended::Woken(accepted) = ended {
            self.owed.act(accepted);
        }
        (guard, ended)
    }

    /// Takes the lock again. Who found no room to be entered tries meanwhile.
    fn relock<G: ConditionGuard>(
        &self,
        lock: &G::Given,
        ended: &mut Ended,
    ) -> Result<G, Poisoned<G>> {
        while *ended == Ended::Woken(Accepted::Unentered) {
            match G::lock_again_for(lock, PAUSE) {
                Ok(guard) => return Ok(guard),
                Err(TryLockError::Poisoned(poisoned)) => return Err(poisoned),
                Err(TryLockError::WouldBlock) => *ended = Ended::Woken(self.owed.accept()),
            }
        }
        G::lock_again(lock)
    }

    /// Says, while the lock is held, that someone waits; gives the word on which to sleep.
    fn announce(&self) -> u32 {
        // Relaxed: the lock that is about to be given up carries it to whoever takes it next.
        let mut seen = self.word.load(Relaxed);
        while seen & WAIT == 0 {
            let announced = seen | WAIT;
            // Relaxed: as above.
            match self.word.compare_exchange(seen, announced, Relaxed, Relaxed) {
                Ok(_) => return announced,
                Err(now) => seen = now,
            }
        }
        seen
    }

    /// Sleeps until notified, `until`, or, at the end of a slice, until there is nothing to wait for:
    /// a notification was left by one who died, or the lock is `lost`.
    fn sleep(&self, seen: u32, until: Deadline, looks: bool, lost: impl Fn() -> bool) -> Ended {
        let mut left = 0;
        loop {
            let ended = match left {
                0 => self.word.wait_slice(seen, until),
                _ => self.word.wait_at_most(seen, until, PAUSE),
            };
            if ended == Wait::Woken {
                return Ended::Woken(self.owed.accept());
            }
            // Relaxed: the data travels through the lock.
            if self.word.load(Relaxed) / 2 != seen / 2 {
                return Ended::Notified;
            }
            match ended {
                Wait::TimedOut => return Ended::TimedOut,
                Wait::Slice if looks => return Ended::Slice,
                Wait::Slice if lost() => return Ended::Notified,
                Wait::Slice if self.owed.is_left() => {
                    left += 1;
                    if left >= LOOKS {
                        if let Some(accepted) = self.owed.take_over() {
                            return Ended::Woken(accepted);
                        }
                        left = 0;
                    }
                }
                Wait::Slice => left = 0,
                Wait::Woken | Wait::Changed => {}
            }
        }
    }
}

impl Default for Condition {
    fn default() -> Self {
        Condition::new()
    }
}

fn with<G>(guard: Result<G, Poisoned<G>>, flag: bool) -> Waited<G> {
    guard.map(|guard| (guard, flag)).map_err(|poisoned| poisoned.map(|guard| (guard, flag)))
}
