use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use multiproc::{Connection, Receiver, Sender, duplex, pipe, wait_any, wait_any_for};
use proptest::prelude::*;
use proptest::sample::select;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::harness::{Generate, Target, WorkerOf, agrees};
use crate::model::{Model, Outcomes, WORKERS};
use crate::text::{ENCODE, Text, any_text, text_of};
use crate::wait::{Span, Wait, any_wait, span};

#[test]
fn one_way_agrees_with_a_deque() {
    agrees::<PipeTarget<false>>();
}

#[test]
fn both_ways_agree_with_two_deques() {
    agrees::<PipeTarget<true>>();
}

/// How many messages of a size a pipe has room for. The kernel counts the memory that they take, so in
/// one case all have about the same size, and the room is measured beforehand.
#[derive(Clone, Copy, Debug)]
struct Room {
    size: usize,
    /// With so many in the pipe no more can be sent.
    full: usize,
    /// With no more than so many, a sender that waits goes on.
    low: usize,
}

/// Small messages, which never fill the pipe here; messages smaller than a packet, and larger ones.
static ROOMS: LazyLock<[Room; 4]> = LazyLock::new(|| [0, 20_000, 40_000, 70_000].map(room));

fn room(size: usize) -> Room {
    let (here, there) = duplex::<Text, Text>().expect("there are descriptors");
    let full = (0..).take_while(|_| here.try_send(Text::new('a', size)).is_ok()).count();
    let has_room = || {
        let mut fds = [PollFd::new(&here, PollFlags::OUT)];
        poll(&mut fds, Some(&Timespec { tv_sec: 0, tv_nsec: 0 })).expect("it is open") > 0
    };
    let read = (0..).take_while(|_| !has_room()).map(|_| there.recv().expect("it was sent"));
    Room { size, full, low: full - read.count() }
}

/// The messages in a pipe, and its ends: the first worker has one end, the others have the second.
#[derive(Clone)]
pub(crate) struct PipeModel<const DUPLEX: bool> {
    room: Room,
    /// Of a pipe in one direction, the end that sends.
    sender: usize,
    /// The texts on the way to each end.
    texts: [VecDeque<Text>; 2],
    open: [bool; WORKERS],
    receiving: Vec<usize>,
    polling: Vec<usize>,
    /// At most one: whether there is room for another depends on whether it has been sent already.
    sending: Option<(usize, Text)>,
}

#[derive(Clone)]
pub(crate) enum Op {
    Send(Text, Wait),
    Recv(Wait),
    Poll(Span),
    WaitAny(Option<Span>),
    /// Drops the worker's clone of its end; the last one closes the end.
    Drop,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Ret {
    /// An error's text, and the value that it returns.
    Sent(Result<(), (String, Text)>),
    Received(Result<Text, String>),
    Ready(bool),
    Dropped,
}

const GONE: &str = "nobody is at the other end of the pipe";
const ENDED: &str =
    "the pipe has ended: nobody can send any more, and everything sent was received";

fn end_of(worker: usize) -> usize {
    worker.min(1)
}

impl<const DUPLEX: bool> PipeModel<DUPLEX> {
    fn sends(&self, end: usize) -> bool {
        DUPLEX || self.sender == end
    }

    fn receives(&self, end: usize) -> bool {
        DUPLEX || self.sender != end
    }

    fn is_gone(&self, end: usize) -> bool {
        (0..WORKERS).all(|worker| end_of(worker) != end || !self.open[worker])
    }

    fn push(&mut self, worker: usize, text: Text, outcomes: &mut Outcomes<Ret>) {
        let to = 1 - end_of(worker);
        self.texts[to].push_back(text);
        outcomes.ret(worker, Ret::Sent(Ok(())));
        let polling = self.polling.extract_if(.., |worker| end_of(*worker) == to);
        polling.for_each(|worker| outcomes.ret(worker, Ret::Ready(true)));
        if let Some(first) = self.receiving.iter().position(|worker| end_of(*worker) == to) {
            let receiver = self.receiving.remove(first);
            self.pop(receiver, outcomes);
        }
    }

    fn pop(&mut self, worker: usize, outcomes: &mut Outcomes<Ret>) {
        let texts = &mut self.texts[end_of(worker)];
        let received = texts.pop_front().expect("it was seen").decoded();
        let low = texts.len() <= self.room.low;
        let why = |why| format!("what came through the pipe cannot be decoded: {why}");
        outcomes.ret(worker, Ret::Received(received.map_err(why)));
        let sender = self.sending.take_if(|(sender, _)| low && end_of(*sender) != end_of(worker));
        if let Some((worker, text)) = sender {
            self.push(worker, text, outcomes);
        }
    }

    fn refuse(worker: usize, text: Text, why: &str, outcomes: &mut Outcomes<Ret>) {
        outcomes.ret(worker, Ret::Sent(Err((why.to_owned(), text))));
    }

    fn fail(worker: usize, why: &str, outcomes: &mut Outcomes<Ret>) {
        outcomes.ret(worker, Ret::Received(Err(why.to_owned())));
    }

    fn send(&mut self, worker: usize, text: Text, wait: Wait, outcomes: &mut Outcomes<Ret>) {
        let to = 1 - end_of(worker);
        if !text.can_be_encoded() {
            let why = format!("the value cannot be encoded: {ENCODE}");
            Self::refuse(worker, text, &why, outcomes);
        } else if self.is_gone(to) {
            Self::refuse(worker, text, GONE, outcomes);
        } else if self.texts[to].len() < self.room.full {
            self.push(worker, text, outcomes);
        } else if wait == Wait::Not {
            Self::refuse(worker, text, "the pipe is full", outcomes);
        } else if wait.is_long() {
            self.sending = Some((worker, text));
        } else {
            let why = "the pipe was still full when the time was over";
            Self::refuse(worker, text, why, outcomes);
        }
    }

    fn recv(&mut self, worker: usize, wait: Wait, outcomes: &mut Outcomes<Ret>) {
        if !self.texts[end_of(worker)].is_empty() {
            self.pop(worker, outcomes);
        } else if self.is_gone(1 - end_of(worker)) {
            Self::fail(worker, ENDED, outcomes);
        } else if wait == Wait::Not {
            Self::fail(worker, "the pipe is empty", outcomes);
        } else if wait.is_long() {
            self.receiving.push(worker);
        } else {
            let why = "nothing came through the pipe before the time was over";
            Self::fail(worker, why, outcomes);
        }
    }

    fn poll(&mut self, worker: usize, is_long: bool, outcomes: &mut Outcomes<Ret>) {
        let ready = !self.texts[end_of(worker)].is_empty() || self.is_gone(1 - end_of(worker));
        if !ready && is_long {
            self.polling.push(worker);
        } else {
            outcomes.ret(worker, Ret::Ready(ready));
        }
    }
}

impl<const DUPLEX: bool> Model for PipeModel<DUPLEX> {
    type Op = Op;
    type Ret = Ret;
    /// Nothing can be observed without an end.
    type View = ();

    fn allows(&self, worker: usize, op: &Op) -> bool {
        let end = end_of(worker);
        let waiting = self.receiving.iter().chain(&self.polling);
        // A worker must be left that can go on, and close its end at last.
        let apart = waiting
            .chain(self.sending.iter().map(|(worker, _)| worker))
            .any(|&other| end_of(other) != end);
        match op {
            // Also when it was dropped already.
            Op::Drop => true,
            _ if !self.open[worker] => false,
            Op::Send(_, wait) => {
                self.sends(end) && (!wait.is_long() || self.sending.is_none() && !apart)
            }
            // Of a receiver and a worker that polls, either may see the message first.
            Op::Recv(wait) => {
                self.receives(end) && (!wait.is_long() || self.polling.is_empty() && !apart)
            }
            Op::Poll(Span::Long) | Op::WaitAny(None | Some(Span::Long)) => {
                self.receives(end) && self.receiving.is_empty() && !apart
            }
            Op::Poll(_) | Op::WaitAny(_) => self.receives(end),
        }
    }

    fn apply(&mut self, worker: usize, op: &Op, outcomes: &mut Outcomes<Ret>) {
        match *op {
            Op::Send(text, wait) => self.send(worker, text, wait, outcomes),
            Op::Recv(wait) => self.recv(worker, wait, outcomes),
            Op::Poll(span) => self.poll(worker, span == Span::Long, outcomes),
            Op::WaitAny(span) => {
                self.poll(worker, span.is_none_or(|span| span == Span::Long), outcomes);
            }
            Op::Drop => {
                self.open[worker] = false;
                outcomes.ret(worker, Ret::Dropped);
                if self.is_gone(end_of(worker)) {
                    self.receiving.drain(..).for_each(|worker| Self::fail(worker, ENDED, outcomes));
                    self.polling
                        .drain(..)
                        .for_each(|worker| outcomes.ret(worker, Ret::Ready(true)));
                    if let Some((worker, text)) = self.sending.take() {
                        Self::refuse(worker, text, GONE, outcomes);
                    }
                }
            }
        }
    }

    fn view(&self) {}
}

impl<const DUPLEX: bool> Generate for PipeModel<DUPLEX> {
    fn initial() -> BoxedStrategy<Self> {
        // The texts that are sent have the size of the room.
        (select(&ROOMS[..]).no_shrink(), 0..2usize)
            .prop_map(|(room, sender)| PipeModel {
                room,
                sender,
                texts: Default::default(),
                open: [true; WORKERS],
                receiving: Vec::new(),
                polling: Vec::new(),
                sending: None,
            })
            .boxed()
    }

    fn operations(&self, worker: usize) -> BoxedStrategy<Op> {
        let end = end_of(worker);
        let sizes = if self.room.size == 0 { 0..30 } else { self.room.size..self.room.size + 1 };
        let send = (any_text(sizes), any_wait()).prop_map(|(text, wait)| Op::Send(text, wait));
        let recv = any_wait().prop_map(Op::Recv);
        let poll = span().prop_map(Op::Poll);
        let wait_any = prop::option::of(span()).prop_map(Op::WaitAny);
        let weight = |can: bool, weight| if can && self.open[worker] { weight } else { 0 };
        prop_oneof![
            weight(self.sends(end), 24) => send,
            weight(self.receives(end), 16) => recv,
            weight(self.receives(end), 3) => poll,
            weight(self.receives(end), 3) => wait_any,
            1 => Just(Op::Drop),
        ]
        .boxed()
    }
}

/// A worker's clone of an end.
enum End {
    Out(Sender<Text>),
    In(Receiver<Text>),
    Both(Connection<Text, Text>),
}

/// Uses the end inside, which is one of two variants.
macro_rules! within {
    ($end:expr, $a:ident | $b:ident($within:ident) => $use:expr) => {
        match $end {
            End::$a($within) => $use,
            End::$b($within) => $use,
            _ => unreachable!("the model allows only what an end can do"),
        }
    };
}

impl End {
    fn clone(&self) -> Self {
        match self {
            End::Out(end) => End::Out(end.clone()),
            End::In(end) => End::In(end.clone()),
            End::Both(end) => End::Both(end.clone()),
        }
    }

    fn perform(&self, op: Op) -> Ret {
        match op {
            Op::Send(text, wait) => within!(self, Out | Both(end) => {
                let sent = match wait {
                    Wait::Ever => end.send(text),
                    Wait::Not => end.try_send(text),
                    Wait::For(span) => end.send_for(text, span.duration()),
                    Wait::Until(span) => end.send_until(text, span.instant()),
                };
                Ret::Sent(sent.map_err(|error| (text_of(&error), error.into_inner())))
            }),
            Op::Recv(wait) => within!(self, In | Both(end) => {
                let received = match wait {
                    Wait::Ever => end.recv(),
                    Wait::Not => end.try_recv(),
                    Wait::For(span) => end.recv_for(span.duration()),
                    Wait::Until(span) => end.recv_until(span.instant()),
                };
                Ret::Received(received.map_err(|error| text_of(&error)))
            }),
            Op::Poll(span) => within!(self, In | Both(end) => {
                Ret::Ready(end.poll_for(span.duration()))
            }),
            Op::WaitAny(span) => within!(self, In | Both(end) => {
                let ready = match span {
                    None => wait_any(&[end, end]),
                    Some(span) => wait_any_for(&[end, end], span.duration()),
                };
                match ready.expect("two are not too many").as_slice() {
                    [] => Ret::Ready(false),
                    [0, 1] => Ret::Ready(true),
                    other => panic!("{other:?} of two that are the same"),
                }
            }),
            Op::Drop => unreachable!("the worker drops it"),
        }
    }
}

#[derive(Clone)]
pub(crate) struct PipeTarget<const DUPLEX: bool> {
    /// Each is taken by its worker: an end is closed when all its workers have dropped it.
    ends: Arc<Mutex<[Option<End>; WORKERS]>>,
}

impl<const DUPLEX: bool> Target for PipeTarget<DUPLEX> {
    type Model = PipeModel<DUPLEX>;

    fn make(model: &PipeModel<DUPLEX>) -> Self {
        let mut pair = if DUPLEX {
            let (here, there) = duplex().expect("there are descriptors");
            [End::Both(here), End::Both(there)]
        } else {
            let (receiver, sender) = pipe().expect("there are descriptors");
            [End::Out(sender), End::In(receiver)]
        };
        if model.sender == 1 {
            pair.reverse();
        }
        let ends = std::array::from_fn(|worker| Some(pair[end_of(worker)].clone()));
        PipeTarget { ends: Arc::new(Mutex::new(ends)) }
    }

    fn run(self, worker: WorkerOf<PipeModel<DUPLEX>>) {
        let mut end = self.ends.lock().expect("nobody panics with it")[worker.id()].take();
        worker.run(|op| match op {
            Op::Drop => {
                end = None;
                Ret::Dropped
            }
            op => end.as_ref().expect("it is not dropped yet").perform(op),
        });
    }

    fn view(&self) {}
}

impl<const DUPLEX: bool> fmt::Debug for PipeModel<DUPLEX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if DUPLEX { "duplex" } else { "pipe" };
        write!(f, "{name}(), texts of {}, end {} sends", self.room.size, self.sender)
    }
}

impl fmt::Debug for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Op::Send(text, wait) => wait.written(f, "send", &format!("{text:?}")),
            Op::Recv(wait) => wait.written(f, "recv", ""),
            Op::Poll(span) => write!(f, "poll_for({span})"),
            Op::WaitAny(None) => f.write_str("wait_any()"),
            Op::WaitAny(Some(span)) => write!(f, "wait_any_for({span})"),
            Op::Drop => f.write_str("drop(end)"),
        }
    }
}
