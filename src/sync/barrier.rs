//! A place where so many meet before any of them goes on.

mod action;
mod state;

use std::time::{Duration, Instant};

use crate::error::BrokenBarrier;
use crate::shm::{Layout, ProcessSafe};
use crate::sync::barrier::state::{Outcome, State};
use crate::sync::participants::Participants;
use crate::sys::{
    ALL, AtomicU32, Deadline, Entry, Futex, Op, Ordering, Ordering::*, Wait, const_fn,
};

/// A place where a number of parties, threads of one process or of many, wait for one another: once
/// as many have come, all go on, and it begins anew.
///
/// What each party did before it came, all see who have passed.
///
/// ```
/// use multiproc::{Barrier, Shared};
///
/// let barrier = Shared::new(Barrier::new(3))?;
/// let mut places: Vec<usize> = std::thread::scope(|scope| {
///     let parties: Vec<_> = (0..3).map(|_| scope.spawn(|| barrier.wait().unwrap())).collect();
///     parties.into_iter().map(|party| party.join().unwrap()).collect()
/// });
/// places.sort();
/// assert_eq!(places, [0, 1, 2]); // in which order they came
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Broken
///
/// When a wait times out, the action of a [`wait_then`](Barrier::wait_then) panics, or someone calls
/// [`Barrier::abort`], the barrier is broken: all who wait get [`BrokenBarrier`], and so does everyone
/// who comes, until [`Barrier::reset`].
///
/// # Costs
///
/// 536 bytes. To come is an atomic operation; the last makes one system call, which wakes all.
///
/// # If a process dies
///
/// One that has come counts as come. One that has not come yet would be waited for in vain, so a barrier
/// in shared memory remembers the processes that have waited at it since it was made or reset, up to
/// [`Barrier::WATCHED`]: when one of them has died, and others wait for half a second, it is broken with
/// [`BrokenBarrier::PartyDied`]. So processes that are to take the place of the dead begin with a
/// [`Barrier::reset`].
///
/// One that ends well is not missed, nor one that drops its last handle of the memory (except in a
/// panic): others may come in its place. To end well is to return from `main`, or from what a child runs, or to
/// [`exit`](crate::process::exit) with code 0. A panic, another code, a signal, an abort and `_exit` are a
/// death.
///
/// What the barrier cannot know: that one will not come which has ended well, or which has died before it
/// ever waited. The others then wait until their deadline, if they have one ([`Barrier::wait_for`]). One
/// who leaves early can say so by [`Barrier::abort`].
///
/// # Fairness
///
/// All go on at once. When there are more threads than parties, whoever comes first belongs to the
/// round.
///
/// # Different from Python
///
/// A party that was killed breaks it, where in Python the others hang; one that has ended with code 0 and
/// is still waited for hangs them here as there. The action belongs to a wait,
/// since memory that processes share cannot hold a function.
///
/// # The words
///
/// The state counts the rounds that have ended, and remembers of the last five which were ended by a
/// reset, and how long ago the last such was; how many have come in this round; and why it is broken,
/// if it is. Whoever waits sleeps on a second word, the turn, which changes after the state.
///
/// | step | state | by |
/// |---|---|---|
/// | come | one more has come | CAS |
/// | come last | the next round, nobody has come | CAS |
/// | come last, with an action | all have come; and after the action, the next round | CAS, CAS |
/// | break | nobody has come; broken, and why | CAS |
/// | reset, if someone has come or it is broken | the next round after a reset, nobody has come | CAS |
/// | after all but the first | the turn, one more, and all are woken | one `FUTEX_WAKE_OP` |
#[repr(C)]
#[derive(Debug)]
pub struct Barrier {
    state: Entry,
    turn: Futex,
    /// Written once. An atomic, since a peer can write there too.
    parties: AtomicU32,
    participants: Participants,
}

// SAFETY: atomics, any bits of which are some state; nothing keeps an address there. (A process keeps
// to itself where it is entered: so the barrier is pinned.)
unsafe impl ProcessSafe for Barrier {
    const LAYOUT: Layout = Layout::of::<Self>().named("Barrier");

    unsafe fn settle(&mut self) {
        // SAFETY: the caller's promise for the whole holds for the part.
        unsafe { self.participants.settle() };
    }
}

/// Of the wait for someone who has died: until now many came later than others by a slice or two.
const GRACE: u32 = 5;

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Barrier {
    /// The most parties that a barrier can have.
    pub const MAX: u32 = (1 << State::CAUSE_SHIFT) - 1;

    /// How many processes it can remember, so as to notice when one has died.
    pub const WATCHED: usize = Participants::LEN;

    const_fn! {
        /// A barrier for so many parties.
        ///
        /// # Panics
        ///
        /// When `parties` is 0 or more than [`Barrier::MAX`]; in a const, at compile time.
        pub fn new(parties: u32) -> Self {
            assert!(parties > 0 && parties <= Self::MAX, "a barrier has from 1 to 65,535 parties");
            Barrier {
                state: Entry::new(State::FRESH),
                turn: Futex::new(0),
                parties: AtomicU32::new(parties),
                participants: Participants::new(),
            }
        }
    }

    /// Waits until all parties have come; gives how many had come before this one.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier`], when it is broken or is broken meanwhile.
    pub fn wait(&self) -> Result<usize, BrokenBarrier> {
        self.wait_by(Deadline::Never, None::<fn()>)
    }

    /// As [`Barrier::wait`], but for at most `timeout`, after which it is broken for all.
    ///
    /// # Errors
    ///
    /// [`BrokenBarrier::TimedOut`] for the one who had waited so long, and for the others.
    pub fn wait_for(&self, timeout: Duration) -> Result<usize, BrokenBarrier> {
        self.wait_by(Deadline::after(timeout), None::<fn()>)
    }

    /// As [`Barrier::wait_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As for [`Barrier::wait_for`].
    pub fn wait_until(&self, deadline: Instant) -> Result<usize, BrokenBarrier> {
        self.wait_by(Deadline::at(deadline), None::<fn()>)
    }

    /// Breaks the barrier: all who wait, and all who come, get [`BrokenBarrier::Aborted`]. For one who
    /// finds that it will not come.
    pub fn abort(&self) {
        // Relaxed: only a guess for the CAS.
        self.break_from(self.look(Relaxed), BrokenBarrier::Aborted, |now| now.cause().is_none());
    }

    /// Makes it as new: whole, and nobody has come. All who wait get [`BrokenBarrier::Reset`].
    /// Processes that have ended are forgotten.
    pub fn reset(&self) {
        // Relaxed: only a guess for the CAS.
        let mut seen = self.look(Relaxed);
        // Whole, and nobody waits: to end the round would only confuse one who has not woken yet.
        while seen.count() > 0 || seen.cause().is_some() {
            // Relaxed: nothing is handed over.
            match self.change(seen, seen.next(true), Relaxed) {
                Ok(()) => {
                    self.wake_all();
                    break;
                }
                Err(now) => seen = now,
            }
        }
        // Last, since it takes longest; whoever comes meanwhile looks for the dead only later.
        self.participants.remove_exited();
    }

    /// How many parties there are.
    pub fn parties(&self) -> usize {
        self.size() as usize
    }

    /// How many have come, and wait for the others, at this moment.
    pub fn waiting(&self) -> usize {
        // Relaxed: a glance, outdated when it is given.
        self.look(Relaxed).count() as usize
    }

    /// Whether it is broken.
    pub fn is_broken(&self) -> bool {
        // Relaxed: a glance, outdated when it is given.
        self.look(Relaxed).cause().is_some()
    }

    #[inline]
    fn size(&self) -> u32 {
        // Relaxed: written before anyone else knew of the barrier.
        self.parties.load(Relaxed)
    }

    #[inline]
    fn look(&self, order: Ordering) -> State {
        State(self.state.load(order))
    }

    #[inline]
    fn change(&self, old: State, new: State, order: Ordering) -> Result<(), State> {
        // Relaxed on failure: what is seen is only the guess for another try.
        self.state.compare_exchange(old.0, new.0, order, Relaxed).map(drop).map_err(State)
    }

    /// After a change of the state that others wait for.
    fn wake_all(&self) {
        // Release: pairs with the Acquire in `turn`; who sleeps on the new turn has seen the new
        // state. Weaker: the model `barrier::meets` sees one sleep for ever.
        self.turn.wake_op(Op::AddBit(0), ALL, Release);
    }

    /// To be looked at before the state.
    fn turn(&self) -> u32 {
        // Acquire: as in `wake_all`.
        self.turn.load(Acquire)
    }

    fn wait_by(
        &self,
        until: Deadline,
        action: Option<impl FnOnce()>,
    ) -> Result<usize, BrokenBarrier> {
        self.participants.register();
        let (seen, turn) = self.come(until, action.is_some())?;
        if seen.count() + 1 == self.size() {
            if let Some(action) = action {
                self.act(seen, action)?;
            }
            self.wake_all();
        } else {
            self.pass(seen, turn, until)?;
        }
        Ok(seen.count() as usize)
    }

    /// Waits until the round is over of one who came when the state was `seen`; the turn was no newer then.
    #[cfg_attr(modelled, forgets)]
    fn pass(&self, seen: State, mut turn: u32, until: Deadline) -> Result<(), BrokenBarrier> {
        let mut slices = 0u32;
        loop {
            // On the turn from before. A newer one: the model `barrier::meets_once` sees one sleep on what
            // it should wake from.
            self.sleep(seen, turn, until, &mut slices);
            turn = self.turn();
            // Acquire: pairs with the Release of all who came; what they did before is seen by who
            // passes. Weaker: `barrier::carries` sees the race.
            match seen.outcome(self.look(Acquire)) {
                Outcome::Passed => return Ok(()),
                Outcome::Broken(cause) => return Err(cause),
                Outcome::Waiting => {}
            }
        }
    }

    /// Comes, as soon as it is not full; gives the state before, and a turn that is not newer. Who
    /// comes last ends the round, unless there is something to be done first.
    #[cfg_attr(modelled, forgets)]
    fn come(&self, until: Deadline, acts: bool) -> Result<(State, u32), BrokenBarrier> {
        let mut slices = 0u32;
        loop {
            let turn = self.turn();
            // Relaxed: only a guess for the CAS.
            let seen = self.look(Relaxed);
            if let Some(cause) = seen.cause() {
                return Err(cause);
            }
            if seen.count() >= self.size() {
                // All have come, and the last is still at its action.
                self.sleep(seen, turn, until, &mut slices);
                continue;
            }
            let come = State(seen.0 + 1);
            let (new, order) = if come.count() < self.size() {
                // Release: pairs with the Acquire of who comes last, and of all who pass; carries
                // what was done before. Weaker: `barrier::carries` sees the race.
                (come, Release)
            } else {
                // Acquire: who comes last has seen what all did before. Release: as above, and of an
                // action. Weaker: `barrier::carries` sees the race.
                (if acts { come } else { seen.next(false) }, AcqRel)
            };
            if self.change(seen, new, order).is_ok() {
                return Ok((seen, turn));
            }
        }
    }

    /// Sleeps in the round of `seen` while the turn is still this one; breaks the barrier when the
    /// time is over, or one of those waited for has died.
    fn sleep(&self, seen: State, turn: u32, until: Deadline, slices: &mut u32) {
        let cause = match self.turn.spin_slice(turn, until) {
            Wait::TimedOut => BrokenBarrier::TimedOut,
            Wait::Slice => {
                *slices += 1;
                let died = *slices >= GRACE && self.participants.has_ended();
                if !died {
                    return;
                }
                BrokenBarrier::PartyDied
            }
            Wait::Woken | Wait::Changed => return,
        };
        let waiting = |now| matches!(seen.outcome(now), Outcome::Waiting);
        // Relaxed: only a guess for the CAS.
        self.break_from(self.look(Relaxed), cause, waiting);
    }

    /// Breaks it as long as its state is such.
    fn break_from(&self, mut seen: State, cause: BrokenBarrier, such: impl Fn(State) -> bool) {
        while such(seen) {
            // Relaxed: nothing is handed over to those who get an error.
            match self.change(seen, seen.broken(cause), Relaxed) {
                Ok(()) => return self.wake_all(),
                Err(now) => seen = now,
            }
        }
    }
}
