//! Notifications that were given to someone who has not acted on them yet.

use crate::sys::{Entry, Futex, Ordering::*, ProcessInstance, const_fn, entries};

/// How many notifications are owed, and the lives of those who were woken for one and wait for the lock.
///
/// | step | count | entries | by |
/// |---|---|---|---|
/// | give `n` | `n` more | | CAS, before the wake |
/// | accept, by one who was woken | | its life, where there was 0 or a life that is over | CAS |
/// | act, with the lock held | one less | 0 again | CAS, CAS |
/// | take over, by one who was not | the same | as accepting | CAS, and CAS of the count |
///
/// The count has a version, the next after each change and each time that somebody takes over: so whoever
/// takes over has seen entries that belong to the count.
///
/// So there are more owed than living processes have entered only when someone was woken who has not
/// come as far as its entry yet, or who has died. One who has entered may wait for the lock as long as
/// its owner likes, and be stopped meanwhile: nobody takes it for dead.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Owed {
    count: Futex,
    _spare: u32,
    lives: [Entry; Owed::LEN],
}

/// That the caller was woken: whether for what is owed, and then where it is entered, if there was room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Accepted {
    NotOwed,
    Unentered,
    At(usize),
}

/// The lower half of the count's word; above it is the version.
const COUNT: u32 = 0xffff;

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Owed {
    /// Those who accept when it is full are not entered, and accept again while they wait.
    pub(super) const LEN: usize = entries(32);

    const_fn! {
        pub(super) fn new() -> Self {
            Owed { count: Futex::new(0), _spare: 0, lives: Entry::all([0; Self::LEN]) }
        }
    }

    pub(super) fn give(&self, n: u32) {
        self.change(|owed| owed.saturating_add(n));
    }

    pub(super) fn take_back(&self, n: u32) {
        self.change(|owed| owed.saturating_sub(n));
    }

    /// By one who was woken, at once.
    pub(super) fn accept(&self) -> Accepted {
        // Relaxed: what was given was counted before the wake, which the kernel has ordered. Where it is
        // nothing, all were woken, which nobody owes. (In a model in which nobody looks, the steps to come
        // would only multiply those that matter.)
        if self.count.load(Relaxed) & COUNT == 0 || !ProcessInstance::can_exit() {
            return Accepted::NotOwed;
        }
        self.enter().map_or(Accepted::Unentered, Accepted::At)
    }

    /// By one who has accepted, and holds the lock again.
    pub(super) fn act(&self, accepted: Accepted) {
        if accepted != Accepted::NotOwed {
            // First: one who looks meanwhile sees too few owed, not too many.
            self.take_back(1);
        }
        if let Accepted::At(place) = accepted {
            self.leave(place);
        }
    }

    /// Whether more are owed than living processes have accepted. As long as it is full of those, there
    /// may be others who found no room.
    pub(super) fn is_left(&self) -> bool {
        // Relaxed: a glance.
        self.is_more_than_entered(self.count.load(Relaxed))
    }

    fn is_more_than_entered(&self, seen: u32) -> bool {
        let owed = (seen & COUNT) as usize;
        // Relaxed: here and below, a life stands for itself and carries nothing.
        let entered =
            || self.lives.iter().map(|entry| entry.load(Relaxed)).filter(|&life| life != 0);
        let is_left = |entered| owed > entered && entered < Self::LEN;
        // To count costs nothing, to ask about a process a system call.
        is_left(entered().count()) || {
            owed > 0
                && is_left(entered().filter(|&life| !ProcessInstance::has_exited(life)).count())
        }
    }

    /// Accepts, for one who was not woken, what is left by one who has died.
    pub(super) fn take_over(&self) -> Option<Accepted> {
        // Acquire: pairs with the Release below. Who sees that another has taken over sees also what
        // that has entered.
        let seen = self.count.load(Acquire);
        if !self.is_more_than_entered(seen) {
            return None;
        }
        // Before the count: if this process dies in between, what is owed is left again.
        let place = self.enter()?;
        // Release: as above.
        let changed =
            self.count.compare_exchange(seen, seen.wrapping_add(COUNT + 1), Release, Relaxed);
        if changed.is_err() {
            self.leave(place);
            return None;
        }
        Some(Accepted::At(place))
    }

    fn enter(&self) -> Option<usize> {
        let mine = ProcessInstance::current();
        // Relaxed: as above.
        let claim =
            |entry: &Entry, old| entry.compare_exchange(old, mine, Relaxed, Relaxed).is_ok();
        let free = |entry: &Entry| entry.load(Relaxed) == 0 && claim(entry, 0);
        let of_the_dead = |entry: &Entry| {
            let life = entry.load(Relaxed);
            ProcessInstance::has_exited(life) && claim(entry, life)
        };
        self.lives.iter().position(free).or_else(|| self.lives.iter().position(of_the_dead))
    }

    fn leave(&self, place: usize) {
        let (mine, none) = (ProcessInstance::current(), 0);
        // Relaxed: as above. If it fails, a peer has written there.
        let _ = self.lives[place].compare_exchange(mine, none, Relaxed, Relaxed);
    }

    /// Makes it another count, of the next version.
    fn change(&self, change: impl Fn(u32) -> u32) {
        // Relaxed: only a guess for the CAS.
        let mut seen = self.count.load(Relaxed);
        loop {
            let next = (seen | COUNT).wrapping_add(1) | change(seen & COUNT).min(COUNT);
            // Relaxed: a count, that carries nothing.
            match self.count.compare_exchange(seen, next, Relaxed, Relaxed) {
                Ok(_) => return,
                Err(now) => seen = now,
            }
        }
    }
}
