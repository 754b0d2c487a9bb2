//! The word of a barrier: rounds, who has come, and what went wrong.

use crate::error::BrokenBarrier;
use crate::sync::barrier::Barrier;

/// What the state's 64 bits say.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct State(pub(super) u64);

/// How a round ended for one who had come.
pub(super) enum Outcome {
    Waiting,
    Passed,
    Broken(BrokenBarrier),
}

#[cfg_attr(modelled, multiproc_checker::mutants)]
impl State {
    const COUNT: u64 = Barrier::MAX as u64;
    pub(super) const CAUSE_SHIFT: u32 = 16;
    const CAUSE: u64 = 0b111 << Self::CAUSE_SHIFT;
    const RESETS_SHIFT: u32 = 19;
    const RESETS: u64 = (1 << Self::REMEMBERED) - 1;
    const REMEMBERED: u64 = 5;
    const AGE_SHIFT: u32 = 24;
    const ROUND_SHIFT: u32 = 44;
    /// Rounds come round again after so many, and of older resets nothing is known.
    const ROUNDS: u64 = (1 << 20) - 1;
    /// Whole, nobody has come, and it was never reset.
    pub(super) const FRESH: u64 = Self::ROUNDS << Self::AGE_SHIFT;

    pub(super) fn count(self) -> u32 {
        (self.0 & Self::COUNT) as u32
    }

    pub(super) fn cause(self) -> Option<BrokenBarrier> {
        BrokenBarrier::of((self.0 & Self::CAUSE) >> Self::CAUSE_SHIFT)
    }

    pub(super) fn round(self) -> u64 {
        self.0 >> Self::ROUND_SHIFT
    }

    /// Which of the last rounds were ended by a reset; bit 0 is that of the round before this one.
    pub(super) fn resets(self) -> u64 {
        self.0 >> Self::RESETS_SHIFT & Self::RESETS
    }

    /// How many rounds have ended since the last that was ended by a reset.
    pub(super) fn age(self) -> u64 {
        self.0 >> Self::AGE_SHIFT & Self::ROUNDS
    }

    pub(super) fn next(self, by_reset: bool) -> Self {
        let round = self.round().wrapping_add(1) & Self::ROUNDS;
        let resets = (self.resets() << 1 | u64::from(by_reset)) & Self::RESETS;
        let age = if by_reset { 0 } else { Self::ROUNDS.min(self.age() + 1) };
        State(round << Self::ROUND_SHIFT | age << Self::AGE_SHIFT | resets << Self::RESETS_SHIFT)
    }

    pub(super) fn broken(self, cause: BrokenBarrier) -> Self {
        State(self.0 & !Self::COUNT & !Self::CAUSE | cause.number() << Self::CAUSE_SHIFT)
    }

    /// How the round has ended in which someone came when the state was `self`.
    pub(super) fn outcome(self, now: State) -> Outcome {
        let ended = now.round().wrapping_sub(self.round()) & Self::ROUNDS;
        let passed = match ended {
            0 => return now.cause().map_or(Outcome::Waiting, Outcome::Broken),
            1..=Self::REMEMBERED => now.resets() >> (ended - 1) & 1 == 0,
            // It slept through many rounds. If one of them was reset, nobody knows whether it was its
            // own, and it hears of a reset: it may have passed, but never is it told so falsely.
            _ => now.age() >= ended,
        };
        if passed { Outcome::Passed } else { Outcome::Broken(BrokenBarrier::Reset) }
    }
}
