//! A pair of sockets that carry packets: what the kernel promises of them, a queue of whole packets for
//! each direction, and no more.
//!
//! As of a futex: the step on the word is what loom sees, and the plain work behind it belongs to
//! that step. The word counts what changed in its direction, so that nobody misses it.

use std::collections::VecDeque;
use std::hash::Hash;
use std::rc::Rc;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::atomic::AtomicU32;
use crate::executor::{digest, executor};
use crate::futex::{self, Op, Timeouts, Wait};
use crate::mutant;

/// Packets that a direction has room for: few, so that models see it full.
const ROOM: usize = 2;

/// A direction of a [`Socket`], as seen from one end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// What the other end sends.
    Receive,
    /// What this end sends.
    Send,
}

/// Why a [`Socket`] did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Nothing to receive, or no room to send: wait for it.
    NotNow,
    /// Nobody is at the other end any more, and all that was sent is received.
    Gone,
}

/// A direction. Every operation on it is one step on `changes`, as in the kernel it is one hold of
/// the queue's lock.
#[derive(Debug)]
struct Lane {
    changes: AtomicU32,
    state: Arc<Mutex<State>>,
}

/// What a step sets in `changes` that changes nothing else: it is always set.
const SAME: u32 = 1 << 31;

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

/// The caller has seen this of a lane.
fn observe(what: impl Hash) {
    executor().observe(digest(what));
}

impl Lane {
    fn new() -> Arc<Self> {
        let state = Arc::<Mutex<State>>::default();
        let seen = state.clone();
        let digest = move || digest(&*seen.lock().unwrap_or_else(PoisonError::into_inner));
        // To the end of the execution: a lane goes when nobody can reach it any more.
        executor().add_to_state(Rc::new(digest));
        Arc::new(Lane { changes: AtomicU32::new(SAME), state })
    }

    /// The state as of the caller's last step.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A step that changes nothing.
    fn look(&self) -> MutexGuard<'_, State> {
        futex::wake_op(&self.changes, Op::Or(SAME), 0, Ordering::AcqRel);
        self.state()
    }

    /// A step that changes the state: whoever sleeps looks again.
    fn change(&self) -> MutexGuard<'_, State> {
        let sleepers = mutant!("socket.wakes", u32::MAX => 0);
        // AcqRel: who receives a packet has seen what its sender did before.
        futex::wake_op(&self.changes, Op::Add(1), sleepers, Ordering::AcqRel);
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

/// One end of a pair of sockets that carry packets, each as a whole. A packet orders: who receives it sees
/// what its sender did before.
#[derive(Debug)]
pub struct Socket {
    inbound: Arc<Lane>,
    outbound: Arc<Lane>,
}

impl Socket {
    /// Two ends.
    pub fn pair() -> (Self, Self) {
        let (there, back) = (Lane::new(), Lane::new());
        let a = Socket { inbound: back.clone(), outbound: there.clone() };
        (a, Socket { inbound: there, outbound: back })
    }

    /// Ends a direction: nothing more is sent there, or received.
    pub fn shut(&self, side: Side) {
        match side {
            Side::Receive => self.inbound.change().no_receiver = true,
            Side::Send => self.outbound.change().no_sender = true,
        }
    }

    /// Sends a packet.
    ///
    /// # Errors
    ///
    /// When there is no room, or nobody to receive it.
    pub fn try_send(&self, packet: &[u8]) -> Result<(), Refused> {
        let mut pieces = vec![packet];
        if mutant!("socket.packets", false => true) {
            // What a stream of bytes would do: the second half is a step of its own.
            let (head, tail) = packet.split_at(packet.len() / 2);
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

    /// Receives a packet, and has it read.
    ///
    /// # Errors
    ///
    /// When there is none, or never will be.
    pub fn try_recv<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Refused> {
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

    /// Waits until an operation of this kind may do something; `false` when the deadline, if there is one,
    /// has passed first.
    pub fn wait(&self, side: Side, deadline: bool) -> bool {
        let lane = match side {
            Side::Receive => &self.inbound,
            Side::Send => &self.outbound,
        };
        let seen = {
            let state = lane.state();
            observe((state.is_ready(side), state.changes));
            if state.is_ready(side) {
                return true;
            }
            SAME + state.changes
        };
        let timeouts = Timeouts { deadline, slices: false };
        futex::wait(&lane.changes, seen, timeouts) != Wait::TimedOut
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
