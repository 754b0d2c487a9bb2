//! What goes between a process and its helper: a few bytes, and descriptors beside them.

use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::cmsg_space;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags,
};

use crate::sys::above_stdio;

/// The kernel takes at most so many descriptors with one message (SCM_MAX_FD).
pub(super) const MOST_FDS: usize = 253;

/// A message of the helper's parent: make a child. What the child needs comes as descriptors.
pub(super) const START: [u8; 4] = *b"fork";

/// What the helper answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// The child with this number was made.
    Made(i32),
    /// None was made: `clone` failed so.
    Failed(i32),
    /// None will be made by this helper.
    Unable,
}

impl Answer {
    pub(super) fn to_bytes(self) -> [u8; 4] {
        match self {
            Answer::Made(pid) => pid,
            Answer::Failed(errno) => -errno,
            Answer::Unable => 0,
        }
        .to_le_bytes()
    }

    pub(super) fn from_bytes(bytes: [u8; 4]) -> Self {
        match i32::from_le_bytes(bytes) {
            0 => Answer::Unable,
            pid @ 1.. => Answer::Made(pid),
            errno => Answer::Failed(errno.saturating_neg()),
        }
    }
}

pub(super) fn send(socket: impl AsFd, bytes: [u8; 4], fds: &[BorrowedFd<'_>]) -> Result<(), Errno> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
        return Err(Errno::TOOMANYREFS);
    }
    let bytes = [IoSlice::new(&bytes)];
    let flags = SendFlags::NOSIGNAL;
    retry_on_intr(|| rustix::net::sendmsg(&socket, &bytes, &mut control, flags)).map(|_| ())
}

/// A message that was received.
#[derive(Debug)]
pub(super) struct Received {
    pub(super) bytes: [u8; 4],
    pub(super) fds: Vec<OwnedFd>,
    /// Whether some of the descriptors could not be opened here.
    pub(super) is_cut: bool,
}

/// Waits for a message; `None` when nobody is there to send one.
pub(super) fn receive(socket: impl AsFd) -> Result<Option<Received>, Errno> {
    let mut space = [MaybeUninit::uninit(); cmsg_space!(ScmRights(MOST_FDS))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut bytes = [0; 4];
    let received = loop {
        let mut into = [IoSliceMut::new(&mut bytes)];
        match rustix::net::recvmsg(&socket, &mut into, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Err(Errno::INTR) => {}
            Err(Errno::CONNRESET) => return Ok(None),
            received => break received?,
        }
    };
    let fds = control.drain().flat_map(|message| match message {
        RecvAncillaryMessage::ScmRights(fds) => fds.collect(),
        _ => Vec::new(),
    });
    // A program may close its standard streams before main.
    let fds = fds.map(above_stdio).collect::<Result<_, _>>()?;
    let is_cut = received.flags.contains(ReturnFlags::CTRUNC);
    Ok((received.bytes == bytes.len()).then_some(Received { bytes, fds, is_cut }))
}

#[cfg(test)]
mod tests {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};

    use super::*;

    #[test]
    fn an_answer_arrives_as_it_was() {
        for answer in [Answer::Made(1), Answer::Made(i32::MAX), Answer::Failed(11), Answer::Unable]
        {
            assert_eq!(Answer::from_bytes(answer.to_bytes()), answer);
        }
        assert_eq!(Answer::from_bytes(i32::MIN.to_le_bytes()), Answer::Failed(i32::MAX));
    }

    #[test]
    fn descriptors_arrive_with_the_message_and_then_comes_the_end() {
        let kind = SocketType::SEQPACKET;
        let (here, there) =
            socketpair(AddressFamily::UNIX, kind, SocketFlags::CLOEXEC, None).unwrap();
        let (reader, writer) = std::io::pipe().unwrap();
        send(&here, START, &[reader.as_fd(), writer.as_fd()]).unwrap();
        drop((reader, writer));
        drop(here);
        let received = receive(&there).unwrap().expect("a message");
        assert_eq!((received.bytes, received.fds.len(), received.is_cut), (START, 2, false));
        rustix::io::write(&received.fds[1], b"x").expect("the reader came too");
        assert!(receive(&there).unwrap().is_none());
    }
}
