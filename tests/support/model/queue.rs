use std::collections::VecDeque;
use std::fmt;

use multiproc::{GetError, Queue, TooManyDone};

use super::text::{ENCODE, Text, text_of};
use super::wait::Wait;
use super::{Model, Outcomes};

/// The bytes of an encoding are rounded up to a multiple of this.
pub(crate) const GRANULE: usize = 8;

/// The messages in a queue, how many are unfinished, and the workers that wait.
#[derive(Clone)]
pub(crate) struct QueueModel {
    pub(crate) capacity: usize,
    /// As requested.
    pub(crate) bytes: usize,
    texts: VecDeque<Text>,
    closed: bool,
    unfinished: usize,
    getting: Vec<usize>,
    /// All with the same text: which is put first is not specified.
    pub(crate) putting: Vec<(usize, Text)>,
    joining: Vec<usize>,
}

#[derive(Clone)]
pub(crate) enum Op {
    Put(Text, Wait),
    Get(Wait),
    Close,
    TaskDone,
    Join(Wait),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret {
    /// An error's text, and the value that it returns.
    Put(Result<(), (String, Text)>),
    Got(Result<Text, GetError>),
    Closed,
    Counted(Result<(), TooManyDone>),
    Joined(bool),
}

impl QueueModel {
    pub(crate) fn new(capacity: usize, bytes: usize) -> Self {
        QueueModel {
            capacity,
            bytes,
            texts: VecDeque::new(),
            closed: false,
            unfinished: 0,
            getting: Vec::new(),
            putting: Vec::new(),
            joining: Vec::new(),
        }
    }

    pub(crate) fn byte_capacity(&self) -> usize {
        self.bytes.next_multiple_of(GRANULE)
    }

    fn fits(&self, text: Text) -> bool {
        let takes = |text: Text| text.encoded_len().next_multiple_of(GRANULE);
        let used: usize = self.texts.iter().copied().map(takes).sum();
        self.texts.len() < self.capacity && used + takes(text) <= self.byte_capacity()
    }

    /// Puts a text that fits.
    fn push(&mut self, worker: usize, text: Text, outcomes: &mut Outcomes<Ret>) {
        self.unfinished += 1;
        self.texts.push_back(text);
        outcomes.ret(worker, Ret::Put(Ok(())));
        if !self.getting.is_empty() {
            let getter = self.getting.remove(0);
            self.pop(getter, outcomes);
        }
    }

    /// Takes the first text.
    fn pop(&mut self, worker: usize, outcomes: &mut Outcomes<Ret>) {
        let text = self.texts.pop_front().expect("it was seen");
        outcomes.ret(worker, Ret::Got(text.decoded().map_err(GetError::Decode)));
        while self.putting.first().is_some_and(|(_, text)| self.fits(*text)) {
            let (worker, text) = self.putting.remove(0);
            self.push(worker, text, outcomes);
        }
    }

    fn refuse(worker: usize, text: Text, why: &str, outcomes: &mut Outcomes<Ret>) {
        outcomes.ret(worker, Ret::Put(Err((why.to_owned(), text))));
    }
}

const CLOSED: &str = "the queue is closed: nothing can be put any more";

impl Model for QueueModel {
    type Op = Op;
    type Ret = Ret;
    /// The length, whether it is empty, full or closed, the capacities, the number of unfinished, and the
    /// `Debug` text.
    type View = (usize, [bool; 3], [usize; 2], usize, String);

    fn allows(&self, _: usize, op: &Op) -> bool {
        match (op, self.putting.first()) {
            (Op::Put(text, wait), Some((_, waits))) => !wait.is_long() || text == waits,
            _ => true,
        }
    }

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Ret>) {
        match *op {
            Op::Put(text, _) if !text.can_be_encoded() => {
                let why = format!("the value cannot be encoded: {ENCODE}");
                Self::refuse(worker, text, &why, outcomes);
            }
            Op::Put(text, _) if text.encoded_len() > self.byte_capacity() => {
                let why = format!(
                    "a message of {} bytes can never be put into a queue of {} bytes: make the \
                     queue with Queue::with_bytes",
                    text.encoded_len(),
                    self.byte_capacity(),
                );
                Self::refuse(worker, text, &why, outcomes);
            }
            Op::Put(text, _) if self.closed => Self::refuse(worker, text, CLOSED, outcomes),
            Op::Put(text, _) if self.fits(text) => self.push(worker, text, outcomes),
            Op::Put(text, Wait::Not) => {
                Self::refuse(worker, text, "the queue is full", outcomes);
            }
            Op::Put(text, wait) if wait.is_long() => self.putting.push((worker, text)),
            Op::Put(text, _) => {
                Self::refuse(worker, text, "the queue had no room in time", outcomes);
            }
            Op::Get(_) if !self.texts.is_empty() => self.pop(worker, outcomes),
            Op::Get(_) if self.closed => {
                outcomes.ret(worker, Ret::Got(Err(GetError::Closed)));
            }
            Op::Get(Wait::Not) => outcomes.ret(worker, Ret::Got(Err(GetError::Empty))),
            Op::Get(wait) if wait.is_long() => self.getting.push(worker),
            Op::Get(_) => outcomes.ret(worker, Ret::Got(Err(GetError::TimedOut))),
            Op::Close => {
                self.closed = true;
                outcomes.ret(worker, Ret::Closed);
                for worker in self.getting.drain(..) {
                    outcomes.ret(worker, Ret::Got(Err(GetError::Closed)));
                }
                for (worker, text) in self.putting.drain(..) {
                    Self::refuse(worker, text, CLOSED, outcomes);
                }
            }
            Op::TaskDone if self.unfinished == 0 => {
                outcomes.ret(worker, Ret::Counted(Err(TooManyDone)));
            }
            Op::TaskDone => {
                self.unfinished -= 1;
                outcomes.ret(worker, Ret::Counted(Ok(())));
                if self.unfinished == 0 {
                    self.joining
                        .drain(..)
                        .for_each(|worker| outcomes.ret(worker, Ret::Joined(true)));
                }
            }
            Op::Join(wait) if self.unfinished > 0 && wait.is_long() => self.joining.push(worker),
            Op::Join(_) => outcomes.ret(worker, Ret::Joined(self.unfinished == 0)),
        }
    }

    fn view(&self) -> Self::View {
        let QueueModel { capacity, closed, .. } = *self;
        let (len, bytes) = (self.texts.len(), self.byte_capacity());
        let shown = format!(
            "Queue {{ len: {len}, capacity: {capacity}, byte_capacity: {bytes}, closed: {closed} }}"
        );
        let states = [len == 0, len == capacity, closed];
        (len, states, [capacity, bytes], self.unfinished, shown)
    }
}

pub(crate) fn perform(queue: &Queue<Text>, op: &Op) -> Ret {
    match *op {
        Op::Put(text, wait) => {
            let put = match wait {
                Wait::Ever => queue.put(text),
                Wait::Not => queue.try_put(text),
                Wait::For(span) => queue.put_for(text, span.duration()),
                Wait::Until(span) => queue.put_until(text, span.instant()),
            };
            Ret::Put(put.map_err(|error| (text_of(&error), error.into_value())))
        }
        Op::Get(wait) => Ret::Got(match wait {
            Wait::Ever => queue.get(),
            Wait::Not => queue.try_get(),
            Wait::For(span) => queue.get_for(span.duration()),
            Wait::Until(span) => queue.get_until(span.instant()),
        }),
        Op::Close => {
            queue.close();
            Ret::Closed
        }
        Op::TaskDone => Ret::Counted(queue.task_done()),
        Op::Join(Wait::For(span)) => Ret::Joined(queue.join_for(span.duration())),
        Op::Join(Wait::Until(span)) => Ret::Joined(queue.join_until(span.instant())),
        Op::Join(_) => {
            queue.join();
            Ret::Joined(true)
        }
    }
}

pub(crate) fn view(queue: &Queue<Text>) -> <QueueModel as Model>::View {
    let states = [queue.is_empty(), queue.is_full(), queue.is_closed()];
    let capacities = [queue.capacity(), queue.byte_capacity()];
    (queue.len(), states, capacities, queue.unfinished(), format!("{queue:?}"))
}

impl fmt::Debug for QueueModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Queue::with_bytes({}, {})", self.capacity, self.bytes)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Put(text, wait) => wait.written(f, "put", &format!("{text:?}")),
            Op::Get(wait) => wait.written(f, "get", ""),
            Op::Close => f.write_str("close()"),
            Op::TaskDone => f.write_str("task_done()"),
            Op::Join(wait) => wait.written(f, "join", ""),
        }
    }
}
