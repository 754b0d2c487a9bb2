use std::fmt;
use std::panic::resume_unwind;

use multiproc::{Barrier, BrokenBarrier};
use proptest::prelude::*;

use crate::lock::INSIDE;
use crate::model::{Answers, Model, SEATS, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::wait::Wait;

in_both_places! { <Barrier>; agrees_with_a_list_of_those_who_came }

fn agrees_with_a_list_of_those_who_came<P: Place<Barrier>>() {
    agrees::<OnBarrier<P>>();
}

/// Who has come, of how many, and why it is broken.
#[derive(Clone)]
pub(crate) struct Meeting {
    parties: usize,
    come: Vec<usize>,
    broken: Option<BrokenBarrier>,
}

#[derive(Clone)]
pub(crate) enum Call {
    Wait(Wait),
    /// With an action, and whether it panics.
    WaitThen(bool),
    Abort,
    Reset,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// How many had come before, and whether this one's action was run.
    Waited(Result<usize, BrokenBarrier>, bool),
    Done,
}

impl Meeting {
    /// All who have come go on.
    fn pass(&mut self, answers: &mut Answers<Answer>) {
        for (index, seat) in self.come.drain(..).enumerate() {
            answers.give(seat, Answer::Waited(Ok(index), false));
        }
    }

    fn fail(&mut self, cause: BrokenBarrier, answers: &mut Answers<Answer>) {
        self.come.drain(..).for_each(|seat| answers.give(seat, Answer::Waited(Err(cause), false)));
    }

    fn shatter(&mut self, cause: BrokenBarrier, answers: &mut Answers<Answer>) {
        self.broken = Some(cause);
        self.fail(cause, answers);
    }
}

impl Model for Meeting {
    type Call = Call;
    type Answer = Answer;
    /// How many parties there are, how many have come, and whether it is broken.
    type View = (usize, usize, bool);

    fn begin() -> BoxedStrategy<Self> {
        (1..SEATS + 2)
            .prop_map(|parties| Meeting { parties, come: Vec::new(), broken: None })
            .boxed()
    }

    fn calls(&self, _: usize) -> BoxedStrategy<Call> {
        prop_oneof![
            8 => Wait::patient().prop_map(Call::Wait),
            4 => any::<bool>().prop_map(Call::WaitThen),
            1 => Just(Call::Abort),
            if self.broken.is_some() { 12 } else { 1 } => Just(Call::Reset),
        ]
        .boxed()
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Answer>) {
        let last = self.come.len() + 1 == self.parties;
        match (call, self.broken) {
            (Call::Wait(_) | Call::WaitThen(_), Some(cause)) => {
                answers.give(seat, Answer::Waited(Err(cause), false));
            }
            (Call::WaitThen(true), None) if last => {
                answers.panic(seat, INSIDE);
                self.shatter(BrokenBarrier::ActionPanicked, answers);
            }
            (Call::WaitThen(false), None) if last => {
                answers.give(seat, Answer::Waited(Ok(self.come.len()), true));
                self.pass(answers);
            }
            (Call::Wait(wait), None) if !last && !wait.is_long() => {
                self.come.push(seat);
                self.shatter(BrokenBarrier::TimedOut, answers);
            }
            (Call::Wait(_) | Call::WaitThen(_), None) => {
                self.come.push(seat);
                if last {
                    self.pass(answers);
                }
            }
            (Call::Abort, broken) => {
                answers.give(seat, Answer::Done);
                self.shatter(broken.unwrap_or(BrokenBarrier::Aborted), answers);
            }
            (Call::Reset, _) => {
                answers.give(seat, Answer::Done);
                self.broken = None;
                self.fail(BrokenBarrier::Reset, answers);
            }
        }
    }

    fn view(&self) -> (usize, usize, bool) {
        (self.parties, self.come.len(), self.broken.is_some())
    }
}

#[derive(Clone)]
pub(crate) struct OnBarrier<P>(P);

impl<P: Place<Barrier>> Subject for OnBarrier<P> {
    type Model = Meeting;

    fn make(model: &Meeting) -> Self {
        OnBarrier(P::of(Barrier::new(model.parties as u32)))
    }

    fn sit(self, seat: SeatOf<Meeting>) {
        let barrier = &*self.0;
        seat.serve(|call| match call {
            Call::Wait(wait) => {
                let waited = match wait {
                    Wait::For(span) => barrier.wait_for(span.duration()),
                    Wait::Until(span) => barrier.wait_until(span.instant()),
                    _ => barrier.wait(),
                };
                Answer::Waited(waited, false)
            }
            Call::WaitThen(panics) => {
                let mut acted = false;
                let waited = barrier.wait_then(|| {
                    acted = true;
                    if panics {
                        resume_unwind(Box::new(INSIDE));
                    }
                });
                Answer::Waited(waited, acted)
            }
            Call::Abort => {
                barrier.abort();
                Answer::Done
            }
            Call::Reset => {
                barrier.reset();
                Answer::Done
            }
        });
    }

    fn view(&self) -> (usize, usize, bool) {
        (self.0.parties(), self.0.waiting(), self.0.is_broken())
    }

    fn free(&self) {
        self.0.abort();
    }
}

impl fmt::Debug for Meeting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Barrier::new({})", self.parties)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Wait(wait) => wait.written(f, "wait", ""),
            Call::WaitThen(false) => f.write_str("wait_then(|| ())"),
            Call::WaitThen(true) => f.write_str("wait_then(|| panic!())"),
            Call::Abort => f.write_str("abort()"),
            Call::Reset => f.write_str("reset()"),
        }
    }
}
