//! A pair of sockets that carry packets, as loom explores it: what the kernel promises of them,
//! a queue of whole packets for each direction, and no more.
//!
//! As in `word`: the step on the word is what loom sees, and the plain work behind it belongs to
//! that step. The word counts what changed in its direction, so that nobody sleeps over it.

use std::collections::VecDeque;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use multiproc_checker::mutant;

use crate::sys::model::strand;
use crate::sys::model::world::{self, Contents};
use crate::sys::{ALL, Deadline, Op, Ordering, Refused, Side, Wait, Word};

/// Packets that a direction has room for: few, so that models see it full.
const ROOM: usize = 2;

/// A message, ready to be sent.
#[derive(Debug)]
pub(crate) struct Packet(Vec<u8>);

impl Packet {
    pub(crate) fn blank() -> Vec<u8> {
        Vec::new()
    }

    pub(crate) fn new(bytes: Vec<u8>) -> Result<Self, Refused> {
        Ok(Packet(bytes))
    }
}

/// A direction. Every operation on it is one step on `changes`, as in the kernel it is one hold of
/// the queue's lock.
#[derive(Debug)]
struct Lane {
    changes: Word,
    state: Arc<Mutex<State>>,
}

/// The bit of `changes` that a step sets which changes nothing else: it is always set.
const SAME: u32 = 31;

#[derive(Debug, Default, Hash)]
struct State {
    packets: VecDeque<Vec<u8>>,
    no_sender: bool,
    no_receiver: bool,
    /// How often `changes` grew: whoever sleeps does so on the state that it saw.
    changes: u32,
}

impl State {
    /// Whether an operation of this kind would do something now.
    fn is_ready(&self, side: Side) -> bool {
        match side {
            Side::Receive => !self.packets.is_empty() || self.no_sender,
            Side::Send => self.packets.len() < ROOM || self.no_receiver,
        }
    }
}

/// As a search sees it.
struct Seen(Arc<Mutex<State>>);

impl Contents for Seen {
    fn digest(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).hash(&mut hasher);
        hasher.finish()
    }
}

/// The caller has seen this of a lane.
fn observe(what: impl Hash) {
    if world::is_here() {
        world::observe(what);
    } else {
        strand::look_about();
    }
}

impl Lane {
    fn new() -> Arc<Self> {
        let state = Arc::<Mutex<State>>::default();
        if world::is_here() {
            // To the end of the execution: a lane goes when nobody can reach it any more.
            world::enter(Rc::new(Seen(state.clone())));
        }
        Arc::new(Lane { changes: Word::new(1 << SAME), state })
    }

    /// The state as of the caller's last step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step that changes nothing.
    fn look(&self) -> MutexGuard<'_, State> {
        self.changes.wake_op(Op::OrBit(SAME), 0, Ordering::AcqRel);
        self.state()
    }

    /// A step that changes the state: whoever sleeps looks again.
    fn change(&self) -> MutexGuard<'_, State> {
        let sleepers = mutant!("socket.wakes", ALL => 0);
        // AcqRel: who receives a packet has seen what its sender did before.
        self.changes.wake_op(Op::AddBit(0), sleepers, Ordering::AcqRel);
        let mut state = self.state();
        state.changes += 1;
        state
    }

    /// The step of an operation: one that looks, or one that changes when it will do something.
    fn step(&self, side: Side) -> MutexGuard<'_, State> {
        // Seen before the step, so only a guess; a wrong one costs one more step.
        let ready = self.state().is_ready(side);
        observe(ready);
        if !ready {
            let state = self.look();
            if !state.is_ready(side) {
                return state;
            }
        }
        self.change()
    }
}

#[derive(Debug)]
pub(crate) struct Socket {
    inbound: Arc<Lane>,
    outbound: Arc<Lane>,
}

impl Socket {
    pub(crate) fn pair() -> Result<(Self, Self), Refused> {
        let (there, back) = (Lane::new(), Lane::new());
        let a = Socket { inbound: back.clone(), outbound: there.clone() };
        Ok((a, Socket { inbound: there, outbound: back }))
    }

    pub(crate) fn shut(&self, side: Side) -> Result<(), Refused> {
        match side {
            Side::Receive => self.inbound.change().no_receiver = true,
            Side::Send => self.outbound.change().no_sender = true,
        }
        Ok(())
    }

    pub(crate) fn try_send(&self, packet: &Packet) -> Result<(), Refused> {
        let mut pieces = vec![&*packet.0];
        if mutant!("socket.packets", false => true) {
            // What a stream of bytes would do: the second half is a step of its own.
            let (head, tail) = packet.0.split_at(packet.0.len() / 2);
            pieces = vec![head, tail];
        }
        for piece in pieces {
            let mut state = self.outbound.step(Side::Send);
            observe((state.no_receiver, state.packets.len() >= ROOM));
            match *state {
                State { no_receiver: true, .. } => return Err(Refused::Gone),
                State { ref packets, .. } if packets.len() >= ROOM => return Err(Refused::NotNow),
                _ => state.packets.push_back(piece.to_vec()),
            }
        }
        Ok(())
    }

    pub(crate) fn try_recv<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Refused> {
        let mut state = self.inbound.step(Side::Receive);
        let packet = state.packets.pop_front();
        let ended = state.no_sender;
        drop(state);
        observe((&packet, ended));
        match packet {
            Some(packet) => Ok(read(&packet)),
            None if ended => Err(Refused::Gone),
            None => Err(Refused::NotNow),
        }
    }

    pub(crate) fn wait(&self, side: Side, deadline: Deadline) -> Result<bool, Refused> {
        let lane = match side {
            Side::Receive => &self.inbound,
            Side::Send => &self.outbound,
        };
        let seen = {
            let state = lane.state();
            observe((state.is_ready(side), state.changes));
            if state.is_ready(side) {
                return Ok(true);
            }
            (1 << SAME) + state.changes
        };
        Ok(lane.changes.wait(seen, deadline) != Wait::TimedOut)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // A model that failed takes no more steps.
        if !std::thread::panicking() {
            self.inbound.change().no_receiver = true;
            self.outbound.change().no_sender = true;
        }
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        unreachable!("the sockets of a model have no descriptors")
    }
}

impl From<OwnedFd> for Socket {
    fn from(_: OwnedFd) -> Self {
        unreachable!("the sockets of a model have no descriptors")
    }
}
