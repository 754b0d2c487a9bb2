use std::fmt;

use multiproc::Event;
use proptest::prelude::*;

use crate::model::{Answers, Model, SeatOf, Subject, agrees};
use crate::place::{Place, in_both_places};
use crate::wait::Wait;

in_both_places! { <Event>; agrees_with_a_flag }

fn agrees_with_a_flag<P: Place<Event>>() {
    agrees::<OnEvent<P>>();
}

/// A flag, and who waits for it.
#[derive(Clone, Default)]
pub(crate) struct Flag {
    set: bool,
    waiting: Vec<usize>,
}

#[derive(Clone)]
pub(crate) enum Call {
    Set,
    Clear,
    /// Set and cleared at once: who waits goes on all the same.
    Pulse,
    Wait(Wait),
}

impl Model for Flag {
    type Call = Call;
    /// Whether it was set, of those who ask.
    type Answer = Option<bool>;
    type View = bool;

    fn begin() -> BoxedStrategy<Self> {
        Just(Flag::default()).boxed()
    }

    fn calls(&self, _: usize) -> BoxedStrategy<Call> {
        prop_oneof![
            1 => Just(Call::Set),
            1 => Just(Call::Clear),
            1 => Just(Call::Pulse),
            4 => Wait::patient().prop_map(Call::Wait),
        ]
        .boxed()
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Option<bool>>) {
        match *call {
            Call::Wait(wait) if !self.set && wait.is_long() => return self.waiting.push(seat),
            Call::Wait(_) => return answers.give(seat, Some(self.set)),
            Call::Set => self.set = true,
            Call::Clear | Call::Pulse => self.set = false,
        }
        answers.give(seat, None);
        if !matches!(call, Call::Clear) {
            self.waiting.drain(..).for_each(|seat| answers.give(seat, Some(true)));
        }
    }

    fn view(&self) -> bool {
        self.set
    }
}

#[derive(Clone)]
pub(crate) struct OnEvent<P>(P);

impl<P: Place<Event>> Subject for OnEvent<P> {
    type Model = Flag;

    fn make(_: &Flag) -> Self {
        OnEvent(P::of(Event::new()))
    }

    fn sit(self, seat: SeatOf<Flag>) {
        seat.serve(|call| {
            match call {
                Call::Set => self.0.set(),
                Call::Clear => self.0.clear(),
                Call::Pulse => {
                    self.0.set();
                    self.0.clear();
                }
                Call::Wait(Wait::For(span)) => return Some(self.0.wait_for(span.duration())),
                Call::Wait(Wait::Until(span)) => return Some(self.0.wait_until(span.instant())),
                Call::Wait(_) => {
                    self.0.wait();
                    return Some(true);
                }
            }
            None
        });
    }

    fn view(&self) -> bool {
        self.0.is_set()
    }

    fn free(&self) {
        self.0.set();
    }
}

impl fmt::Debug for Flag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Event::new()")
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Set => f.write_str("set()"),
            Call::Clear => f.write_str("clear()"),
            Call::Pulse => f.write_str("set(), clear()"),
            Call::Wait(wait) => wait.written(f, "wait", ""),
        }
    }
}
