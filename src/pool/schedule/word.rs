//! The word of a task.

/// A task's word, as it was read:
///
/// | bits | |
/// |---|---|
/// | 0–2 | the state |
/// | 3 | `WAITER`: somebody sleeps on the word |
/// | 4–15 | the owner: the worker that runs it, or has |
/// | 16–31 | the ticket: another each time that the task is queued |
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(pub(super) u32);

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none, or it was taken back.
    Free,
    /// It can be claimed.
    Queued,
    /// Its owner has it.
    Running,
    /// Its owner has left the outcome.
    Done,
}

const STATE: u32 = 0b111;
const WAITER: u32 = 1 << 3;
const OWNER_SHIFT: u32 = 4;
const OWNER: u32 = 0xfff;
const TICKET_SHIFT: u32 = 16;

/// Workers that a word can tell apart.
pub const MOST_WORKERS: usize = OWNER as usize + 1;

impl Word {
    fn new(state: u32, owner: u32, ticket: u16) -> Self {
        Word(state | (owner & OWNER) << OWNER_SHIFT | u32::from(ticket) << TICKET_SHIFT)
    }

    pub(super) fn free(ticket: u16) -> Self {
        Self::new(0, 0, ticket)
    }

    pub(super) fn queued(ticket: u16) -> Self {
        Self::new(1, 0, ticket)
    }

    pub(super) fn running(owner: u32, ticket: u16) -> Self {
        Self::new(2, owner, ticket)
    }

    pub(super) fn done(owner: u32, ticket: u16) -> Self {
        Self::new(3, owner, ticket)
    }

    pub(super) fn with_waiter(self) -> Self {
        Word(self.0 | WAITER)
    }

    /// With a waiter if `other` has one.
    pub(super) fn keep_waiter(self, other: Word) -> Self {
        Word(self.0 | other.0 & WAITER)
    }

    pub(super) fn has_waiter(self) -> bool {
        self.0 & WAITER != 0
    }

    /// `None` where a peer has written what is no state.
    pub fn state(self) -> Option<State> {
        Some(match self.0 & STATE {
            0 => State::Free,
            1 => State::Queued,
            2 => State::Running,
            3 => State::Done,
            _ => return None,
        })
    }

    /// The worker that has it; of a task that is running or done.
    pub fn owner(self) -> u32 {
        self.0 >> OWNER_SHIFT & OWNER
    }

    /// Under which it was queued last.
    pub fn ticket(self) -> u16 {
        (self.0 >> TICKET_SHIFT) as u16
    }

    pub(super) fn is_queued(self, ticket: u16) -> bool {
        self.state() == Some(State::Queued) && self.ticket() == ticket
    }

    pub(super) fn is_running(self, owner: u32, ticket: u16) -> bool {
        self.state() == Some(State::Running) && (self.owner(), self.ticket()) == (owner, ticket)
    }
}
