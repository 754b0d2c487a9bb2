//! Which processes take part in something, so that the others notice when one has ended.

use std::time::Duration;

use crate::sync::patrol::Patrol;
use crate::sys::{Enrolled, Entry, Life, MODELLED, Ordering::Relaxed, Word, const_fn};

/// The lives of processes. An entry is 0, or a life that came and was not struck off since. One that was
/// entered may be entered again where another was struck off; that does no harm. A process that ends
/// well, or unmaps the memory, strikes itself off.
///
/// In private memory nobody is entered: nobody else could look.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Roster {
    lives: [Entry; Roster::LEN],
    patrol: Patrol,
    place: Word,
}

/// What stands in `place` of a roster in shared memory.
const SETTLED: u32 = 1;

/// Between two looks at all of them.
const GAP: Duration = Duration::from_millis(50);

impl Roster {
    /// Those who come when it is full are not entered.
    pub(super) const LEN: usize = if MODELLED { 3 } else { 64 };

    const_fn! {
        pub(super) fn new() -> Self {
            Roster { lives: Entry::all([0; Self::LEN]), patrol: Patrol::new(), place: Word::new(0) }
        }
    }

    /// The roster has come to shared memory.
    ///
    /// # Safety
    /// It is not moved any more, and a mapping's end tells of the memory's.
    pub(super) unsafe fn settle(&mut self) {
        // Relaxed: nobody else knows of the roster yet.
        self.place.store(SETTLED, Relaxed);
    }
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Roster {
    /// Enters the calling process, unless it is there. (In a model in which nobody can end, these
    /// steps would only multiply those that matter.)
    #[inline]
    pub(super) fn enrol(&self) {
        // Relaxed: written before anyone else knew of it. What is in private memory no peer can write.
        if !Life::can_end() || !MODELLED && self.place.load(Relaxed) != SETTLED {
            return;
        }
        let mine = Life::mine();
        // Relaxed: here and below, a life stands for itself and carries nothing.
        if self.lives[mine as usize % Self::LEN].load(Relaxed) != mine {
            self.enrol_slow(mine);
        }
    }

    #[cold]
    fn enrol_slow(&self, mine: u64) {
        for i in 0..Self::LEN {
            let entry = &self.lives[(mine as usize + i) % Self::LEN];
            // Relaxed: as in `enrol`.
            match entry.compare_exchange(0, mine, Relaxed, Relaxed) {
                Err(other) if other != mine => {}
                // SAFETY: settled, so in shared memory, where it is not moved.
                _ => return unsafe { Enrolled::remember(entry) },
            }
        }
    }

    /// Whether a process that was entered is found to have ended; nothing is found as long as someone
    /// else has looked just now.
    pub(super) fn has_ended(&self) -> bool {
        self.patrol.is_due(GAP) && self.ended().next().is_some()
    }

    /// Strikes off whoever has ended.
    pub(super) fn strike(&self) {
        for (entry, life) in self.ended() {
            // Relaxed: as in `enrol`. If it fails, another has struck it off.
            let _ = entry.compare_exchange(life, 0, Relaxed, Relaxed);
        }
    }

    fn ended(&self) -> impl Iterator<Item = (&Entry, u64)> {
        // Relaxed: as in `enrol`.
        let entered = self.lives.iter().map(|entry| (entry, entry.load(Relaxed)));
        entered.filter(|&(_, life)| life != 0 && Life::is_over(life))
    }
}
