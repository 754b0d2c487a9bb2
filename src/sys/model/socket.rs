//! A pair of sockets that carry packets.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use multiproc_checker as checker;

use crate::sys::{Deadline, Refused, Side};

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

#[derive(Debug)]
pub(crate) struct Socket(checker::Socket);

impl Socket {
    pub(crate) fn pair() -> Result<(Self, Self), Refused> {
        let (a, b) = checker::Socket::pair();
        Ok((Socket(a), Socket(b)))
    }

    pub(crate) fn shut(&self, side: Side) -> Result<(), Refused> {
        self.0.shut(side.into());
        Ok(())
    }

    pub(crate) fn try_send(&self, packet: &Packet) -> Result<(), Refused> {
        Ok(self.0.try_send(&packet.0)?)
    }

    pub(crate) fn try_recv<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Refused> {
        Ok(self.0.try_recv(read)?)
    }

    pub(crate) fn wait(&self, side: Side, deadline: Deadline) -> Result<bool, Refused> {
        Ok(self.0.wait(side.into(), deadline != Deadline::Never))
    }

    /// As [`Futex::sleeps_here`](crate::sys::Futex::sleeps_here).
    pub(crate) fn sleeps_here(&self, side: Side) -> bool {
        self.0.wait(side.into(), false)
    }
}

impl Socket {
    /// It has none.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        None
    }
}

impl From<Side> for checker::Side {
    fn from(side: Side) -> Self {
        match side {
            Side::Receive => checker::Side::Receive,
            Side::Send => checker::Side::Send,
        }
    }
}

impl From<checker::Refused> for Refused {
    fn from(refused: checker::Refused) -> Self {
        match refused {
            checker::Refused::NotNow => Refused::NotNow,
            checker::Refused::Gone => Refused::Gone,
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
