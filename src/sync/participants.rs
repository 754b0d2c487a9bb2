//! Which processes take part in something, so that the others notice when one has ended.

use std::time::Duration;

use crate::sync::throttle::Throttle;
use crate::sys::{
    Entry, Ordering::Relaxed, OwnEntries, Placement, ProcessInstance, const_fn, entries,
};

/// The lives of processes. An entry is 0, or a life that came and was not struck off since. One that was
/// entered may be entered again where another was struck off; that does no harm. A process that ends
/// well, or unmaps the memory, strikes itself off.
///
/// In private memory nobody is entered: nobody else could look.
#[repr(C)]
#[derive(Debug)]
pub(super) struct Participants {
    lives: [Entry; Participants::LEN],
    throttle: Throttle,
    placement: Placement,
}

/// Between two looks at all of them.
const GAP: Duration = Duration::from_millis(50);

impl Participants {
    /// Those who come when it is full are not entered.
    pub(super) const LEN: usize = entries(64);

    const_fn! {
        pub(super) fn new() -> Self {
            Participants { lives: Entry::all([0; Self::LEN]), throttle: Throttle::new(), placement: Placement::new() }
        }
    }

    /// The participants has come to shared memory.
    ///
    /// # Safety
    /// It is not moved any more, and a mapping's end tells of the memory's.
    pub(super) unsafe fn settle(&mut self) {
        self.placement.settle();
    }
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl Participants {
    /// Enters the calling process, unless it is there. (In a model in which nobody can end, these
    /// steps would only multiply those that matter.)
    #[inline]
    pub(super) fn register(&self) {
        // What is in private memory no peer can write.
        if !ProcessInstance::can_exit() || !self.placement.is_settled() {
            return;
        }
        let mine = ProcessInstance::current();
        // Relaxed: here and below, a life stands for itself and carries nothing.
        if self.lives[mine as usize % Self::LEN].load(Relaxed) != mine {
            self.register_slow(mine);
        }
    }

    #[cold]
    fn register_slow(&self, mine: u64) {
        for i in 0..Self::LEN {
            let entry = &self.lives[(mine as usize + i) % Self::LEN];
            // Relaxed: as in `register`.
            match entry.compare_exchange(0, mine, Relaxed, Relaxed) {
                Err(other) if other != mine => {}
                // SAFETY: settled, so in shared memory, where it is not moved.
                _ => return unsafe { OwnEntries::remember(entry) },
            }
        }
    }

    /// Whether a process that was entered is found to have ended; nothing is found as long as someone
    /// else has looked just now.
    pub(super) fn has_ended(&self) -> bool {
        self.throttle.is_due(GAP) && self.ended().next().is_some()
    }

    /// Strikes off whoever has ended.
    pub(super) fn remove_exited(&self) {
        for (entry, life) in self.ended() {
            // Relaxed: as in `register`. If it fails, another has struck it off.
            let _ = entry.compare_exchange(life, 0, Relaxed, Relaxed);
        }
    }

    fn ended(&self) -> impl Iterator<Item = (&Entry, u64)> {
        // Relaxed: as in `register`.
        let entered = self.lives.iter().map(|entry| (entry, entry.load(Relaxed)));
        entered.filter(|&(_, life)| life != 0 && ProcessInstance::has_exited(life))
    }
}
