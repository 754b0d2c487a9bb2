//! Errors of [`Barrier`](crate::Barrier).

/// Why nobody passes a barrier. [`Barrier::reset`](crate::Barrier::reset) makes it whole again.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error, serde::Serialize, serde::Deserialize,
)]
#[non_exhaustive]
pub enum BrokenBarrier {
    /// A wait took longer than it was to: this one or another's.
    #[error("the barrier is broken: not all came in time; reset it before it is used again")]
    TimedOut,
    /// Someone called [`Barrier::abort`](crate::Barrier::abort).
    #[error("the barrier is broken: it was aborted; reset it before it is used again")]
    Aborted,
    /// The action of the last to come panicked.
    #[error("the barrier is broken: its action panicked; reset it before it is used again")]
    ActionPanicked,
    /// A process that had waited at it before has ended: it is waited for in vain.
    #[error("the barrier is broken: one of its processes has ended; reset it to go on with others")]
    PartyDied,
    /// Someone called [`Barrier::reset`](crate::Barrier::reset) meanwhile: it is whole again. (One that
    /// wakes so late that others have met more than five times, and then someone has reset it, hears
    /// this also if its own round had ended well.)
    #[error("the barrier was reset while this party waited: come again")]
    Reset,
}

impl BrokenBarrier {
    /// In the words of the barrier, which 0 says is whole.
    pub(crate) fn number(self) -> u64 {
        match self {
            BrokenBarrier::TimedOut => 1,
            BrokenBarrier::Aborted => 2,
            BrokenBarrier::ActionPanicked => 3,
            BrokenBarrier::PartyDied => 4,
            BrokenBarrier::Reset => 5,
        }
    }

    /// Of any number: a peer may have written it.
    pub(crate) fn of(number: u64) -> Option<Self> {
        match number {
            0 => None,
            1 => Some(BrokenBarrier::TimedOut),
            2 => Some(BrokenBarrier::Aborted),
            3 => Some(BrokenBarrier::ActionPanicked),
            4 => Some(BrokenBarrier::PartyDied),
            _ => Some(BrokenBarrier::Reset),
        }
    }
}
