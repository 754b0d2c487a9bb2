//! One end of a connected pair of sockets that carry packets (AF_UNIX, SOCK_SEQPACKET).

use std::cell::Cell;
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::event::{PollFd, PollFlags};
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags,
    SendAncillaryBuffer, SendAncillaryMessage, SendFlags, Shutdown, SocketFlags, SocketType,
};

use crate::sys::real::packet::{self, Packet, os};
use crate::sys::{Deadline, Refused, Side, above_stdio, descriptors};

thread_local! {
    /// What a thread receives packets into, so that it is cleared once and not for each packet.
    static BUFFER: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

#[derive(Debug)]
pub(crate) struct Socket(OwnedFd);

impl Socket {
    /// Two ends: what one sends, the other receives.
    pub(crate) fn pair() -> Result<(Self, Self), Refused> {
        let (family, kind) = (AddressFamily::UNIX, SocketType::SEQPACKET);
        let pair = || rustix::net::socketpair(family, kind, SocketFlags::CLOEXEC, None);
        let [a, b] = descriptors(|| pair().map(|(a, b)| [a, b])).map_err(os("socketpair"))?;
        Ok((Socket(a), Socket(b)))
    }

    /// Ends one direction for good: nobody receives here any more, or nobody sends.
    pub(crate) fn shut(&self, side: Side) -> Result<(), Refused> {
        let how = match side {
            Side::Receive => Shutdown::Read,
            Side::Send => Shutdown::Write,
        };
        rustix::net::shutdown(&self.0, how).map_err(os("shutdown"))
    }

    /// Sends the packet as one piece, or not at all.
    pub(crate) fn try_send(&self, packet: &Packet) -> Result<(), Refused> {
        let rest = packet.rest();
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if let Some(rest) = &rest {
            control.push(SendAncillaryMessage::ScmRights(std::slice::from_ref(rest)));
        }
        // NOSIGNAL: a peer that is gone is an error, not a SIGPIPE.
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        let bytes = [IoSlice::new(packet.bytes())];
        let sent = retry_on_intr(|| rustix::net::sendmsg(&self.0, &bytes, &mut control, flags));
        match sent {
            Ok(_) => Ok(()),
            Err(Errno::AGAIN) => Err(Refused::NotNow),
            // CONNRESET: gone, and did not read all that it had been sent.
            Err(Errno::PIPE | Errno::CONNRESET | Errno::NOTCONN) => Err(Refused::Gone),
            Err(errno) => Err(os("sendmsg")(errno)),
        }
    }

    /// Receives one message and gives it to `read`.
    pub(crate) fn try_recv<R>(&self, read: impl FnOnce(&[u8]) -> R) -> Result<R, Refused> {
        // Taken out, not borrowed: `read` may receive from another socket. When the thread's locals
        // are gone already, each packet has a buffer of its own.
        let mut buffer = BUFFER.try_with(Cell::take).unwrap_or_default();
        if buffer.is_empty() {
            buffer = packet::buffer();
        }
        let received = self.receive(&mut buffer);
        let answer = received.and_then(|(bytes, rest)| packet::open(&buffer[..bytes], rest, read));
        let _ = BUFFER.try_with(|kept| kept.set(buffer));
        answer
    }

    fn receive(&self, buffer: &mut [u8]) -> Result<(usize, Option<OwnedFd>), Refused> {
        let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(1))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let flags = RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC;
        let received = loop {
            let mut bytes = [IoSliceMut::new(buffer)];
            match rustix::net::recvmsg(&self.0, &mut bytes, &mut control, flags) {
                Ok(received) => break received,
                // CONNRESET: the peer closed without reading all. It is told once; what the peer
                // had sent before can still be read.
                Err(Errno::INTR | Errno::CONNRESET) => {}
                Err(Errno::AGAIN) => return Err(Refused::NotNow),
                Err(errno) => return Err(os("recvmsg")(errno)),
            }
        };
        // What comes with a packet is ours to close, however many a peer sent: the iterator and
        // the buffer close what is not taken, the kernel what did not fit.
        let mut files = control.drain().flat_map(|message| match message {
            RecvAncillaryMessage::ScmRights(files) => files.collect(),
            _ => Vec::new(),
        });
        let (rest, surplus) = (files.next(), files.next());
        let rest = rest.map(above_stdio).transpose().map_err(os("F_DUPFD_CLOEXEC"))?;
        if received.flags.contains(ReturnFlags::TRUNC) {
            return Err(Refused::Garbage("it is longer than a packet can be"));
        }
        let cut = received.flags.contains(ReturnFlags::CTRUNC);
        if cut && rest.is_none() {
            // Not even the one that there is space for: it could not be opened here. The kernel
            // does not say why, and has used the packet up.
            let call = "recvmsg (for a long message, which is lost: it comes as a descriptor)";
            return Err(os(call)(Errno::MFILE));
        }
        if cut || surplus.is_some() {
            return Err(Refused::Garbage("it came with too many files"));
        }
        // No packet of ours is empty: that is the end.
        if received.bytes == 0 { Err(Refused::Gone) } else { Ok((received.bytes, rest)) }
    }

    /// Sleeps until the next try may answer otherwise than [`Refused::NotNow`]; false when the
    /// deadline came first.
    pub(crate) fn wait(&self, side: Side, deadline: Deadline) -> Result<bool, Refused> {
        let events = match side {
            Side::Receive => PollFlags::IN,
            Side::Send => PollFlags::OUT,
        };
        let mut fds = [PollFd::new(&self.0, events)];
        Ok(crate::sys::poll(&mut fds, deadline).map_err(os("poll"))? > 0)
    }

    /// As [`Futex::sleeps_here`](crate::sys::Futex::sleeps_here).
    pub(crate) fn sleeps_here(&self, _side: Side) -> bool {
        false
    }
}

impl Socket {
    /// The descriptor, to hand the socket over.
    pub(crate) fn fd(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

impl From<OwnedFd> for Socket {
    fn from(fd: OwnedFd) -> Self {
        Socket(fd)
    }
}
