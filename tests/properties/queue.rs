use std::collections::VecDeque;
use std::fmt;

use multiproc::{GetError, Queue, TooManyDone};
use proptest::prelude::*;

use crate::model::{Answers, Model, SeatOf, Subject, agrees};
use crate::text::{ENCODE, Text, told};
use crate::wait::Wait;

#[test]
fn agrees_with_a_deque() {
    agrees::<Queue<Text>>();
}

/// The bytes of an encoding are counted in steps of so many.
const STEP: usize = 8;

/// What is in the queue, what was taken out, and who waits.
#[derive(Clone)]
pub(crate) struct Deque {
    capacity: usize,
    /// As they were asked for.
    bytes: usize,
    texts: VecDeque<Text>,
    closed: bool,
    unfinished: usize,
    getting: Vec<usize>,
    /// All with the same text: which is put first is anybody's guess.
    putting: Vec<(usize, Text)>,
    joining: Vec<usize>,
}

#[derive(Clone)]
pub(crate) enum Call {
    Put(Text, Wait),
    Get(Wait),
    Close,
    TaskDone,
    Join(Wait),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// An error by what it says, and with the text that it gives back.
    Put(Result<(), (String, Text)>),
    Got(Result<Text, GetError>),
    Closed,
    Told(Result<(), TooManyDone>),
    Joined(bool),
}

impl Deque {
    fn byte_capacity(&self) -> usize {
        self.bytes.next_multiple_of(STEP)
    }

    fn fits(&self, text: Text) -> bool {
        let takes = |text: Text| text.encoded_len().next_multiple_of(STEP);
        let used: usize = self.texts.iter().copied().map(takes).sum();
        self.texts.len() < self.capacity && used + takes(text) <= self.byte_capacity()
    }

    /// Puts what fits and can be put.
    fn push(&mut self, seat: usize, text: Text, answers: &mut Answers<Answer>) {
        self.unfinished += 1;
        self.texts.push_back(text);
        answers.give(seat, Answer::Put(Ok(())));
        if !self.getting.is_empty() {
            let getter = self.getting.remove(0);
            self.pop(getter, answers);
        }
    }

    /// Takes what is there.
    fn pop(&mut self, seat: usize, answers: &mut Answers<Answer>) {
        let text = self.texts.pop_front().expect("it was seen");
        answers.give(seat, Answer::Got(text.decoded().map_err(GetError::Decode)));
        while self.putting.first().is_some_and(|(_, text)| self.fits(*text)) {
            let (seat, text) = self.putting.remove(0);
            self.push(seat, text, answers);
        }
    }

    fn refuse(seat: usize, text: Text, why: &str, answers: &mut Answers<Answer>) {
        answers.give(seat, Answer::Put(Err((why.to_owned(), text))));
    }
}

const CLOSED: &str = "the queue is closed: nothing can be put any more";

impl Model for Deque {
    type Call = Call;
    type Answer = Answer;
    /// The length, whether it is empty or full or closed, the capacities, what is unfinished, and
    /// how it shows itself.
    type View = (usize, [bool; 3], [usize; 2], usize, String);

    fn begin() -> BoxedStrategy<Self> {
        (1..6usize, 1..100usize)
            .prop_map(|(capacity, bytes)| Deque {
                capacity,
                bytes,
                texts: VecDeque::new(),
                closed: false,
                unfinished: 0,
                getting: Vec::new(),
                putting: Vec::new(),
                joining: Vec::new(),
            })
            .boxed()
    }

    fn calls(&self, _: usize) -> BoxedStrategy<Call> {
        let put = match self.putting.first() {
            None => Text::any(0..self.byte_capacity() + 2).boxed(),
            Some((_, text)) => prop_oneof![Just(*text), Text::any(0..STEP)].boxed(),
        };
        prop_oneof![
            15 => (put, Wait::any()).prop_map(|(text, wait)| Call::Put(text, wait)),
            13 => Wait::any().prop_map(Call::Get),
            4 => Just(Call::TaskDone),
            3 => Wait::patient().prop_map(Call::Join),
            1 => Just(Call::Close),
        ]
        .boxed()
    }

    fn may(&self, _: usize, call: &Call) -> bool {
        match (call, self.putting.first()) {
            (Call::Put(text, wait), Some((_, waits))) => !wait.is_long() || text == waits,
            _ => true,
        }
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Answer>) {
        match *call {
            Call::Put(text, _) if !text.can_be_encoded() => {
                let why = format!("the value cannot be encoded: {ENCODE}");
                Self::refuse(seat, text, &why, answers);
            }
            Call::Put(text, _) if text.encoded_len() > self.byte_capacity() => {
                let why = format!(
                    "a message of {} bytes can never be put into a queue of {} bytes: make the \
                     queue with Queue::with_bytes",
                    text.encoded_len(),
                    self.byte_capacity(),
                );
                Self::refuse(seat, text, &why, answers);
            }
            Call::Put(text, _) if self.closed => Self::refuse(seat, text, CLOSED, answers),
            Call::Put(text, _) if self.fits(text) => self.push(seat, text, answers),
            Call::Put(text, Wait::Not) => {
                Self::refuse(seat, text, "the queue is full", answers);
            }
            Call::Put(text, wait) if wait.is_long() => self.putting.push((seat, text)),
            Call::Put(text, _) => {
                Self::refuse(seat, text, "the queue had no room in time", answers);
            }
            Call::Get(_) if !self.texts.is_empty() => self.pop(seat, answers),
            Call::Get(_) if self.closed => {
                answers.give(seat, Answer::Got(Err(GetError::Closed)));
            }
            Call::Get(Wait::Not) => answers.give(seat, Answer::Got(Err(GetError::Empty))),
            Call::Get(wait) if wait.is_long() => self.getting.push(seat),
            Call::Get(_) => answers.give(seat, Answer::Got(Err(GetError::TimedOut))),
            Call::Close => {
                self.closed = true;
                answers.give(seat, Answer::Closed);
                for seat in self.getting.drain(..) {
                    answers.give(seat, Answer::Got(Err(GetError::Closed)));
                }
                for (seat, text) in self.putting.drain(..) {
                    Self::refuse(seat, text, CLOSED, answers);
                }
            }
            Call::TaskDone if self.unfinished == 0 => {
                answers.give(seat, Answer::Told(Err(TooManyDone)));
            }
            Call::TaskDone => {
                self.unfinished -= 1;
                answers.give(seat, Answer::Told(Ok(())));
                if self.unfinished == 0 {
                    self.joining
                        .drain(..)
                        .for_each(|seat| answers.give(seat, Answer::Joined(true)));
                }
            }
            Call::Join(wait) if self.unfinished > 0 && wait.is_long() => self.joining.push(seat),
            Call::Join(_) => answers.give(seat, Answer::Joined(self.unfinished == 0)),
        }
    }

    fn view(&self) -> Self::View {
        let Deque { capacity, closed, .. } = *self;
        let (len, bytes) = (self.texts.len(), self.byte_capacity());
        let shown = format!(
            "Queue {{ len: {len}, capacity: {capacity}, byte_capacity: {bytes}, closed: {closed} }}"
        );
        let states = [len == 0, len == capacity, closed];
        (len, states, [capacity, bytes], self.unfinished, shown)
    }
}

impl Subject for Queue<Text> {
    type Model = Deque;

    fn make(model: &Deque) -> Self {
        Queue::with_bytes(model.capacity, model.bytes).expect("there is memory for it")
    }

    fn sit(self, seat: SeatOf<Deque>) {
        seat.serve(|call| match call {
            Call::Put(text, wait) => {
                let put = match wait {
                    Wait::Ever => self.put(text),
                    Wait::Not => self.try_put(text),
                    Wait::For(span) => self.put_for(text, span.duration()),
                    Wait::Until(span) => self.put_until(text, span.instant()),
                };
                Answer::Put(put.map_err(|error| (told(&error), error.into_value())))
            }
            Call::Get(wait) => Answer::Got(match wait {
                Wait::Ever => self.get(),
                Wait::Not => self.try_get(),
                Wait::For(span) => self.get_for(span.duration()),
                Wait::Until(span) => self.get_until(span.instant()),
            }),
            Call::Close => {
                self.close();
                Answer::Closed
            }
            Call::TaskDone => Answer::Told(self.task_done()),
            Call::Join(Wait::For(span)) => Answer::Joined(self.join_for(span.duration())),
            Call::Join(Wait::Until(span)) => Answer::Joined(self.join_until(span.instant())),
            Call::Join(_) => {
                self.join();
                Answer::Joined(true)
            }
        });
    }

    fn view(&self) -> <Deque as Model>::View {
        let states = [self.is_empty(), self.is_full(), self.is_closed()];
        let capacities = [self.capacity(), self.byte_capacity()];
        (self.len(), states, capacities, self.unfinished(), format!("{self:?}"))
    }

    fn free(&self) {
        self.close();
        while self.task_done().is_ok() {}
    }
}

impl fmt::Debug for Deque {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue::with_bytes({}, {})", self.capacity, self.bytes)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Put(text, wait) => wait.written(f, "put", &format!("{text:?}")),
            Call::Get(wait) => wait.written(f, "get", ""),
            Call::Close => f.write_str("close()"),
            Call::TaskDone => f.write_str("task_done()"),
            Call::Join(wait) => wait.written(f, "join", ""),
        }
    }
}
