use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use multiproc::{Connection, Receiver, Sender, duplex, pipe, wait_any, wait_any_for};
use proptest::prelude::*;
use proptest::sample::select;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use crate::model::{Answers, Model, SEATS, SeatOf, Subject, agrees};
use crate::text::{ENCODE, Text, told};
use crate::wait::{Span, Wait};

#[test]
fn one_way_agrees_with_a_deque() {
    agrees::<OnPipe<false>>();
}

#[test]
fn both_ways_agree_with_two_deques() {
    agrees::<OnPipe<true>>();
}

/// How many messages of a size a pipe has room for. The kernel counts what they take in its memory,
/// so in one play all are about as large, and it is asked beforehand.
#[derive(Clone, Copy, Debug)]
struct Room {
    size: usize,
    /// With so many on the way no more can be sent.
    full: usize,
    /// With no more than so many, one who waits for room goes on.
    low: usize,
}

/// Small ones, which are never too many here; some in a packet; and larger ones than a packet.
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

/// What is on its way, and who is at which end: one seat at the first, the others at the second.
#[derive(Clone)]
pub(crate) struct Ends<const DUPLEX: bool> {
    room: Room,
    /// Of a pipe in one direction, the end that sends.
    sender: usize,
    /// To each end.
    texts: [VecDeque<Text>; 2],
    open: [bool; SEATS],
    receiving: Vec<usize>,
    polling: Vec<usize>,
    /// No more than one: whether there is room for another depends on whether he has sent already.
    sending: Option<(usize, Text)>,
}

#[derive(Clone)]
pub(crate) enum Call {
    Send(Text, Wait),
    Recv(Wait),
    Poll(Span),
    WaitAny(Option<Span>),
    /// This seat's clone of its end; the last one closes it.
    Drop,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    /// An error by what it says, and with the text that it gives back.
    Sent(Result<(), (String, Text)>),
    Received(Result<Text, String>),
    Ready(bool),
    Dropped,
}

const GONE: &str = "nobody is at the other end of the pipe";
const ENDED: &str =
    "the pipe has ended: nobody can send any more, and everything sent was received";

fn end_of(seat: usize) -> usize {
    seat.min(1)
}

impl<const DUPLEX: bool> Ends<DUPLEX> {
    fn sends(&self, end: usize) -> bool {
        DUPLEX || self.sender == end
    }

    fn receives(&self, end: usize) -> bool {
        DUPLEX || self.sender != end
    }

    fn is_gone(&self, end: usize) -> bool {
        (0..SEATS).all(|seat| end_of(seat) != end || !self.open[seat])
    }

    fn push(&mut self, seat: usize, text: Text, answers: &mut Answers<Answer>) {
        let to = 1 - end_of(seat);
        self.texts[to].push_back(text);
        answers.give(seat, Answer::Sent(Ok(())));
        let polling = self.polling.extract_if(.., |poller| end_of(*poller) == to);
        polling.for_each(|seat| answers.give(seat, Answer::Ready(true)));
        if let Some(first) = self.receiving.iter().position(|seat| end_of(*seat) == to) {
            let receiver = self.receiving.remove(first);
            self.pop(receiver, answers);
        }
    }

    fn pop(&mut self, seat: usize, answers: &mut Answers<Answer>) {
        let texts = &mut self.texts[end_of(seat)];
        let received = texts.pop_front().expect("it was seen").decoded();
        let low = texts.len() <= self.room.low;
        let why = |why| format!("what came through the pipe cannot be decoded: {why}");
        answers.give(seat, Answer::Received(received.map_err(why)));
        let sender = self.sending.take_if(|(sender, _)| low && end_of(*sender) != end_of(seat));
        if let Some((seat, text)) = sender {
            self.push(seat, text, answers);
        }
    }

    fn refuse(seat: usize, text: Text, why: &str, answers: &mut Answers<Answer>) {
        answers.give(seat, Answer::Sent(Err((why.to_owned(), text))));
    }

    fn fail(seat: usize, why: &str, answers: &mut Answers<Answer>) {
        answers.give(seat, Answer::Received(Err(why.to_owned())));
    }

    fn send(&mut self, seat: usize, text: Text, wait: Wait, answers: &mut Answers<Answer>) {
        let to = 1 - end_of(seat);
        if !text.can_be_encoded() {
            let why = format!("the value cannot be encoded: {ENCODE}");
            Self::refuse(seat, text, &why, answers);
        } else if self.is_gone(to) {
            Self::refuse(seat, text, GONE, answers);
        } else if self.texts[to].len() < self.room.full {
            self.push(seat, text, answers);
        } else if wait == Wait::Not {
            Self::refuse(seat, text, "the pipe is full", answers);
        } else if wait.is_long() {
            self.sending = Some((seat, text));
        } else {
            let why = "the pipe was still full when the time was over";
            Self::refuse(seat, text, why, answers);
        }
    }

    fn recv(&mut self, seat: usize, wait: Wait, answers: &mut Answers<Answer>) {
        if !self.texts[end_of(seat)].is_empty() {
            self.pop(seat, answers);
        } else if self.is_gone(1 - end_of(seat)) {
            Self::fail(seat, ENDED, answers);
        } else if wait == Wait::Not {
            Self::fail(seat, "the pipe is empty", answers);
        } else if wait.is_long() {
            self.receiving.push(seat);
        } else {
            let why = "nothing came through the pipe before the time was over";
            Self::fail(seat, why, answers);
        }
    }

    fn poll(&mut self, seat: usize, is_long: bool, answers: &mut Answers<Answer>) {
        let ready = !self.texts[end_of(seat)].is_empty() || self.is_gone(1 - end_of(seat));
        if !ready && is_long {
            self.polling.push(seat);
        } else {
            answers.give(seat, Answer::Ready(ready));
        }
    }
}

impl<const DUPLEX: bool> Model for Ends<DUPLEX> {
    type Call = Call;
    type Answer = Answer;
    /// From outside nothing can be seen.
    type View = ();

    fn begin() -> BoxedStrategy<Self> {
        // The texts that are sent are those for the room.
        (select(&ROOMS[..]).no_shrink(), 0..2usize)
            .prop_map(|(room, sender)| Ends {
                room,
                sender,
                texts: Default::default(),
                open: [true; SEATS],
                receiving: Vec::new(),
                polling: Vec::new(),
                sending: None,
            })
            .boxed()
    }

    fn calls(&self, seat: usize) -> BoxedStrategy<Call> {
        let end = end_of(seat);
        let sizes = if self.room.size == 0 { 0..30 } else { self.room.size..self.room.size + 1 };
        let send = (Text::any(sizes), Wait::any()).prop_map(|(text, wait)| Call::Send(text, wait));
        let recv = Wait::any().prop_map(Call::Recv);
        let poll = Span::any().prop_map(Call::Poll);
        let wait_any = prop::option::of(Span::any()).prop_map(Call::WaitAny);
        let weight = |can: bool, weight| if can && self.open[seat] { weight } else { 0 };
        prop_oneof![
            weight(self.sends(end), 24) => send,
            weight(self.receives(end), 16) => recv,
            weight(self.receives(end), 3) => poll,
            weight(self.receives(end), 3) => wait_any,
            1 => Just(Call::Drop),
        ]
        .boxed()
    }

    fn may(&self, seat: usize, call: &Call) -> bool {
        let end = end_of(seat);
        let waiting = self.receiving.iter().chain(&self.polling);
        // One end is left to go on, and to be closed at last.
        let apart = waiting
            .chain(self.sending.iter().map(|(seat, _)| seat))
            .any(|&other| end_of(other) != end);
        match call {
            // Also when there is nothing left to drop.
            Call::Drop => true,
            _ if !self.open[seat] => false,
            Call::Send(_, wait) => {
                self.sends(end) && (!wait.is_long() || self.sending.is_none() && !apart)
            }
            // Of a receiver and one who polls, either may see the message first.
            Call::Recv(wait) => {
                self.receives(end) && (!wait.is_long() || self.polling.is_empty() && !apart)
            }
            Call::Poll(Span::Long) | Call::WaitAny(None | Some(Span::Long)) => {
                self.receives(end) && self.receiving.is_empty() && !apart
            }
            Call::Poll(_) | Call::WaitAny(_) => self.receives(end),
        }
    }

    fn play(&mut self, seat: usize, call: &Call, answers: &mut Answers<Answer>) {
        match *call {
            Call::Send(text, wait) => self.send(seat, text, wait, answers),
            Call::Recv(wait) => self.recv(seat, wait, answers),
            Call::Poll(span) => self.poll(seat, span == Span::Long, answers),
            Call::WaitAny(span) => {
                self.poll(seat, span.is_none_or(|span| span == Span::Long), answers);
            }
            Call::Drop => {
                self.open[seat] = false;
                answers.give(seat, Answer::Dropped);
                if self.is_gone(end_of(seat)) {
                    self.receiving.drain(..).for_each(|seat| Self::fail(seat, ENDED, answers));
                    self.polling.drain(..).for_each(|seat| answers.give(seat, Answer::Ready(true)));
                    if let Some((seat, text)) = self.sending.take() {
                        Self::refuse(seat, text, GONE, answers);
                    }
                }
            }
        }
    }

    fn view(&self) {}
}

/// One seat's clone of an end.
enum End {
    Out(Sender<Text>),
    In(Receiver<Text>),
    Both(Connection<Text, Text>),
}

/// Uses the end within, whichever of the two it is.
macro_rules! within {
    ($end:expr, $a:ident | $b:ident($within:ident) => $use:expr) => {
        match $end {
            End::$a($within) => $use,
            End::$b($within) => $use,
            _ => unreachable!("the model knows what an end can do"),
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

    fn play(&self, call: Call) -> Answer {
        match call {
            Call::Send(text, wait) => within!(self, Out | Both(end) => {
                let sent = match wait {
                    Wait::Ever => end.send(text),
                    Wait::Not => end.try_send(text),
                    Wait::For(span) => end.send_for(text, span.duration()),
                    Wait::Until(span) => end.send_until(text, span.instant()),
                };
                Answer::Sent(sent.map_err(|error| (told(&error), error.into_inner())))
            }),
            Call::Recv(wait) => within!(self, In | Both(end) => {
                let received = match wait {
                    Wait::Ever => end.recv(),
                    Wait::Not => end.try_recv(),
                    Wait::For(span) => end.recv_for(span.duration()),
                    Wait::Until(span) => end.recv_until(span.instant()),
                };
                Answer::Received(received.map_err(|error| told(&error)))
            }),
            Call::Poll(span) => within!(self, In | Both(end) => {
                Answer::Ready(end.poll_for(span.duration()))
            }),
            Call::WaitAny(span) => within!(self, In | Both(end) => {
                let ready = match span {
                    None => wait_any(&[end, end]),
                    Some(span) => wait_any_for(&[end, end], span.duration()),
                };
                match ready.expect("two are not too many").as_slice() {
                    [] => Answer::Ready(false),
                    [0, 1] => Answer::Ready(true),
                    other => panic!("{other:?} of two that are the same"),
                }
            }),
            Call::Drop => unreachable!("it is done by who has it"),
        }
    }
}

#[derive(Clone)]
pub(crate) struct OnPipe<const DUPLEX: bool> {
    /// Each for its seat to take: an end is closed when those who sit there have dropped it.
    ends: Arc<Mutex<[Option<End>; SEATS]>>,
}

impl<const DUPLEX: bool> Subject for OnPipe<DUPLEX> {
    type Model = Ends<DUPLEX>;

    fn make(model: &Ends<DUPLEX>) -> Self {
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
        let ends = std::array::from_fn(|seat| Some(pair[end_of(seat)].clone()));
        OnPipe { ends: Arc::new(Mutex::new(ends)) }
    }

    fn sit(self, seat: SeatOf<Ends<DUPLEX>>) {
        let mut end = self.ends.lock().expect("nobody panics with it")[seat.number()].take();
        seat.serve(|call| match call {
            Call::Drop => {
                end = None;
                Answer::Dropped
            }
            call => end.as_ref().expect("it is not dropped yet").play(call),
        });
    }

    fn view(&self) {}
}

impl<const DUPLEX: bool> fmt::Debug for Ends<DUPLEX> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = if DUPLEX { "duplex" } else { "pipe" };
        write!(f, "{name}(), texts of {}, end {} sends", self.room.size, self.sender)
    }
}

impl fmt::Debug for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Call::Send(text, wait) => wait.written(f, "send", &format!("{text:?}")),
            Call::Recv(wait) => wait.written(f, "recv", ""),
            Call::Poll(span) => write!(f, "poll_for({span})"),
            Call::WaitAny(None) => f.write_str("wait_any()"),
            Call::WaitAny(Some(span)) => write!(f, "wait_any_for({span})"),
            Call::Drop => f.write_str("drop(end)"),
        }
    }
}
