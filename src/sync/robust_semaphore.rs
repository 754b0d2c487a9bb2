//! A number of permits that come back when those who hold them die.

mod permit;

use std::array;
use std::time::{Duration, Instant};

use crate::error::Overflow;
use crate::shm::{Layout, ProcessSafe};
use crate::sync::throttle::Throttle;
use crate::sys::{
    Deadline, Doubling, Entry, Futex, Op, Ordering, Ordering::*, ProcessInstance, Wait, const_fn,
};

pub use permit::RobustPermit;

/// No permit of this entry is held: it can be taken.
const FREE: u64 = 0;
/// Beside a holder: someone sleeps, and who frees the entry wakes one. No life has this bit.
const AWAITED: u64 = 1 << 63;
/// The holder of what no process holds, and what is not there to be taken either: no life.
const NOBODY: u64 = AWAITED - 1;

/// How long a sleeper sleeps before it first looks whether those who hold the permits still live;
/// each time it sleeps twice as long, up to the longest.
const SHORTEST: Duration = Duration::from_millis(5);
const LONGEST: Duration = Duration::from_millis(100);

/// A [`Semaphore`](crate::Semaphore) whose permits come back when the process that holds them dies.
///
/// `N` is the most permits that there can be, up to 256: for each, the semaphore remembers who
/// holds it.
///
/// ```
/// use multiproc::{Process, RobustSemaphore, Shared, process};
///
/// fn sit_down_and_die(seats: Shared<RobustSemaphore<2>>) {
///     let _permit = seats.acquire();
///     process::exit(1);
/// }
///
/// let seats = Shared::new(RobustSemaphore::<2>::new(2))?;
/// Process::spawn(sit_down_and_die, seats.clone())?.join().unwrap_err();
///
/// let both = (seats.acquire(), seats.acquire());
/// assert_eq!(seats.value(), 0);
/// # drop(both);
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Costs
///
/// 8 bytes for each of the `N`, and 8 more. With a permit free and nobody asleep, taking and giving
/// are an atomic operation each, as with a [`Semaphore`](crate::Semaphore), and a look at each
/// entry that is taken. Whoever finds no permit looks at all entries. It asks the system about each
/// process that holds one, some 10 µs each, when it has slept for 5 ms, then less and less often, up
/// to every 100 ms, and when it gives up.
///
/// # If a process dies
///
/// However it ends, each permit that it held goes to one who waits for it; as a rule within
/// 100 ms, and sooner if it has not waited for long. That it is a zombie, not waited for by its
/// parent, does not matter. A process that lives keeps its permits, also when it is stopped, and when
/// the thread that took them has ended; so does one that goes on as another program (`exec`).
///
/// Nobody is told: for data that a dead process may have left half done, use a [`Lock`](crate::Lock).
/// What was found is logged as a warning. Those who only ever [`try_acquire`] find nothing.
///
/// Nobody hangs for another reason: a wake that a dead process owed or was given is made good by
/// the sleepers themselves within 100 ms.
///
/// # Fairness
///
/// Whoever comes when a permit is free takes it, also before those who sleep. Of those, the one that
/// lay down first is woken, and lies down again behind the rest when another was faster; so does
/// whoever has slept for 5 ms, then 10, and so on up to 100 ms. Nobody is guaranteed a turn.
///
/// Of 64 threads that each came back at once for one permit, for two seconds, the one in the middle
/// waited 0.1 to 0.5 s at the longest, and the unluckiest 0.2 to 1.1 s; of 64 processes, 0.1 to 0.7 s
/// and 0.1 to 1.5 s. Of sleepers to whom permits came one by one, 77 to 100 % of all pairs went in the
/// order in which they came. (2026-11-24, a busy Zen 4 VM of 2 cores, three runs of `cargo bench --
/// fairness`.)
///
/// # Different from Python
///
/// Python's semaphores, and POSIX's under them, lose the permits of the dead. Here no more than `N`
/// permits can ever be made; [`acquire`](RobustSemaphore::acquire) gives a [`RobustPermit`], which
/// gives itself back.
///
/// # The ledger
///
/// An entry for each permit:
///
/// | entry | what it says |
/// |---|---|
/// | `FREE` | it can be taken |
/// | a process's life | that process holds it |
/// | a life and `AWAITED` | the same, and someone sleeps or did |
/// | `NOBODY`, with `AWAITED` or not | no process holds it, and it is not free: [`release`] makes it so |
///
/// | step | from | to | by |
/// |---|---|---|---|
/// | acquire | `FREE` | the own life; with `AWAITED` when it was woken | CAS |
/// | sleep | every entry is taken | all with `AWAITED`, then sleep on the turn as it was before | CASes, futex wait |
/// | give back | the own life | `FREE` | CAS |
/// | give back | the own life and `AWAITED` | `FREE`, then the next turn, and one is woken | CAS, one `FUTEX_WAKE_OP` |
/// | find dead | a life that is over | as giving back | |
/// | release | as many of `NOBODY` as permits | the own life, then as giving back | CASes |
///
/// # Why nobody sleeps for ever
///
/// Were all alive: who sleeps has seen every entry taken and left its mark there, and whoever frees
/// a marked entry then changes the turn. Either that was before the sleeper read it, and then it saw
/// the entry as it was after; or the kernel sees a turn that has changed, and does not let it sleep;
/// or it sleeps and can be woken. A free entry may be taken by one who barges in and leaves no mark.
/// But for each mark that was lost, one was woken; and whoever was woken takes a permit with a
/// mark, or marks all entries before it sleeps again. So when none of these is under way and
/// someone sleeps, every entry has its mark.
///
/// The dead lose marks and wakes. So no sleep is longer than 100 ms, and after it a sleeper looks
/// at the whole ledger again, as at first.
///
/// [`try_acquire`]: RobustSemaphore::try_acquire
/// [`release`]: RobustSemaphore::release
#[repr(C)]
#[derive(Debug)]
pub struct RobustSemaphore<const N: usize> {
    ledger: [Entry; N],
    turn: Futex,
    throttle: Throttle,
}

// SAFETY: atomics, any bits of which are some state: an entry that is nobody's life is found to be
// over. A life names a process for all who map the memory, and after its end too.
unsafe impl<const N: usize> ProcessSafe for RobustSemaphore<N> {
    const PINNED: bool = false;
    const LAYOUT: Layout = Layout::of::<Self>().named("RobustSemaphore");
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl<const N: usize> RobustSemaphore<N> {
    const_fn! {
        /// A semaphore with `permits` free. The rest of the `N` are there to be
        /// [`release`](RobustSemaphore::release)d in addition.
        ///
        /// # Panics
        ///
        /// When `permits` is more than `N`; in a const, at compile time. That `N` is from 1 to 256
        /// is seen at compile time always.
        pub fn new(permits: u32) -> Self {
            const { assert!(N >= 1 && N <= 256, "a robust semaphore has from 1 to 256 permits") };
            assert!(permits as usize <= N, "more permits than the robust semaphore can have");
            let mut ledger = [NOBODY; N];
            let mut at = 0;
            while at < permits as usize {
                ledger[at] = FREE;
                at += 1;
            }
            RobustSemaphore { ledger: Entry::all(ledger), turn: Futex::new(0), throttle: Throttle::new() }
        }
    }

    /// Waits until a permit is free and takes it.
    #[inline]
    pub fn acquire(&self) -> RobustPermit<'_> {
        loop {
            // The second gives up at its deadline, which is never.
            if let Some(permit) = self.try_acquire().or_else(|| self.wait(Deadline::Never)) {
                return permit;
            }
        }
    }

    /// Takes a permit if one is free. It asks nobody, so it does not find the permits of the dead,
    /// as [`RobustSemaphore::acquire_for`] does even with a timeout of zero. It looks at one permit
    /// after the other: while others take and give back, it may come to each when that is taken.
    #[inline]
    pub fn try_acquire(&self) -> Option<RobustPermit<'_>> {
        self.take(ProcessInstance::current())
    }

    /// As [`RobustSemaphore::acquire`], but for at most `timeout`.
    pub fn acquire_for(&self, timeout: Duration) -> Option<RobustPermit<'_>> {
        self.try_acquire().or_else(|| self.wait(Deadline::after(timeout)))
    }

    /// As [`RobustSemaphore::acquire_for`], up to a point in time.
    pub fn acquire_until(&self, deadline: Instant) -> Option<RobustPermit<'_>> {
        self.try_acquire().or_else(|| self.wait(Deadline::at(deadline)))
    }

    /// Gives back `permits` that were [forgotten](RobustPermit::forget), or makes as many that were
    /// not there at first: whoever sleeps for one is woken.
    ///
    /// It is all or nothing. Of two that release at once, and together more than there is room
    /// for, both may be refused; one who is killed meanwhile may have released some.
    ///
    /// # Errors
    ///
    /// [`Overflow`] when there would be more than `N`, free or held; nothing is given then.
    pub fn release(&self, permits: u32) -> Result<(), Overflow> {
        // First it holds them all, so that nobody has one yet if they are not enough.
        let mine = ProcessInstance::current();
        let mut claimed = [None; N];
        let mut room = 0;
        // All who release look from the first entry to the last: so of as many as there is room
        // for, none comes past what is there for it.
        for (entry, place) in self.ledger.iter().zip(&mut claimed) {
            // Acquire: pairs with the Release below: who sees an entry taken that was forgotten for
            // it sees the one that was forgotten for the taker. Weaker: the model
            // `robust_semaphore::forgets` finds no room.
            let seen = || entry.load(Acquire) & !AWAITED;
            while room < permits && place.is_none() && seen() == NOBODY {
                if pass(entry, NOBODY, mine, Release).is_some() {
                    *place = Some(entry);
                    room += 1;
                }
            }
        }
        let claimed = claimed.into_iter().flatten();
        if room < permits {
            // Relaxed: as it was before.
            for entry in claimed {
                pass(entry, mine, NOBODY, Relaxed);
            }
            let max = N as u32;
            return Err(Overflow { released: permits, value: max - room, max });
        }
        self.free(claimed, mine);
        Ok(())
    }

    /// How many permits are free, looked at one after the other.
    pub fn value(&self) -> u32 {
        // Acquire: who sees a permit given back may rely on what was done before: "all are done".
        self.ledger.iter().filter(|entry| entry.load(Acquire) == FREE).count() as u32
    }

    /// Takes a free permit as `holder`, which is the own life, with a mark or without.
    #[inline]
    fn take(&self, holder: u64) -> Option<RobustPermit<'_>> {
        // Relaxed: only a guess for the CAS.
        let entry = self.ledger.iter().find(|entry| {
            entry.load(Relaxed) == FREE && {
                // Acquire: pairs with the Release of whoever gave it back. Weaker: the model
                // `robust_semaphore::hands_over` sees the race.
                entry.compare_exchange(FREE, holder, Acquire, Relaxed).is_ok()
            }
        })?;
        Some(RobustPermit::new(entry, &self.turn, holder))
    }

    /// Waits until a permit is free, but not past the deadline, and takes it.
    #[cold]
    fn wait(&self, until: Deadline) -> Option<RobustPermit<'_>> {
        let mine = ProcessInstance::current();
        self.turn.spin(0, |_| self.of(FREE).next().is_some());
        let mut slices = Doubling::new(SHORTEST, LONGEST);
        let (mut slice, mut holder) = (slices.next(), mine);
        loop {
            // Acquire: pairs with the Release in `wake`; who sees the new turn sees that the entry
            // is free. Weaker: the model `robust_semaphore::hands_over` hangs.
            let turn = self.turn.load(Acquire);
            if let Some(permit) = self.take_or_mark(holder) {
                return Some(permit);
            }
            // Weaker: the model `robust_semaphore::hands_over` hangs.
            match self.turn.wait_at_most(turn, until, slice) {
                Wait::Changed => {}
                // Others may sleep whose mark went with the entry that this one is woken for.
                Wait::Woken => holder = mine | AWAITED,
                Wait::Slice => {
                    if self.throttle.is_due(SHORTEST.max(slice / 2)) {
                        self.sweep(mine);
                    }
                    slice = slices.next();
                }
                Wait::TimedOut => {
                    self.sweep(mine);
                    return self.take(mine);
                }
            }
        }
    }

    /// Takes a free permit, or leaves a mark at every entry.
    fn take_or_mark(&self, holder: u64) -> Option<RobustPermit<'_>> {
        for entry in &self.ledger {
            // Relaxed: only a guess for the CAS.
            let mut seen = entry.load(Relaxed);
            while seen & AWAITED == 0 {
                let free = seen == FREE;
                // Acquire: as in `take`; a mark needs none. Weaker: the model
                // `robust_semaphore::hands_over` sees the race.
                let new = if free { holder } else { seen | AWAITED };
                match entry.compare_exchange(seen, new, Acquire, Relaxed) {
                    Ok(_) if free => return Some(RobustPermit::new(entry, &self.turn, holder)),
                    Ok(_) => break,
                    Err(now) => seen = now,
                }
            }
        }
        None
    }

    /// Frees what processes hold that have ended. A life never comes again, so an entry that has
    /// one that is over is still the dead one's, whatever others do meanwhile.
    fn sweep(&self, mine: u64) {
        // Relaxed: whose entry it is, is compared again when it is freed.
        let holders: [u64; N] = array::from_fn(|at| self.ledger[at].load(Relaxed) & !AWAITED);
        for (at, &life) in holders.iter().enumerate() {
            let asked = [FREE, NOBODY, mine].contains(&life) || holders[..at].contains(&life);
            if asked || !ProcessInstance::has_exited(life) {
                continue;
            }
            self.free(self.of(life), life);
            let pid = ProcessInstance::pid(life);
            log::warn!("process {pid} has ended and held permits: they are free again");
        }
    }

    /// The entries that are seen to be held so.
    fn of(&self, holder: u64) -> impl Iterator<Item = &Entry> {
        // Relaxed: only a guess for a CAS.
        self.ledger.iter().filter(move |entry| entry.load(Relaxed) & !AWAITED == holder)
    }

    /// Frees these entries of `life`, and wakes one for each that had a mark.
    fn free<'a>(&self, entries: impl Iterator<Item = &'a Entry>, life: u64) {
        let mut awaited = 0;
        for entry in entries {
            // Release: as in the permit's drop. Weaker: the model `robust_semaphore::finds_dead` sees
            // the race.
            if let Some(marked) = pass(entry, life, FREE, Release) {
                awaited += u32::from(marked);
            }
        }
        if awaited > 0 {
            wake(&self.turn, awaited);
        }
    }
}

/// Passes the entry on, if `from` still has it; gives whether it had a mark, which goes with it
/// unless it is free then.
#[inline]
#[cfg_attr(modelled, multiproc_checker::mutants)]
fn pass(entry: &Entry, from: u64, to: u64, order: Ordering) -> Option<bool> {
    // Relaxed: what is seen is compared again.
    match entry.compare_exchange(from, to, order, Relaxed) {
        Ok(_) => Some(false),
        Err(seen) if seen == from | AWAITED => {
            let to = if to == FREE { FREE } else { to | AWAITED };
            // Relaxed: a mark stays until the entry is free, so only another who frees it for the
            // same dead process, or a peer that writes anything, can be in between.
            entry.compare_exchange(seen, to, order, Relaxed).ok().map(|_| true)
        }
        Err(_) => None,
    }
}

/// The next turn, and `count` of those who sleep are woken.
#[cold]
#[cfg_attr(modelled, multiproc_checker::mutants)]
fn wake(turn: &Futex, count: u32) {
    // Release: pairs with the Acquire in `wait`; carries that the entry is free. Weaker: the model
    // `robust_semaphore::hands_over` hangs.
    turn.wake_op(Op::AddBit(0), count, Release);
}
