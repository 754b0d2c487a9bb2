//! A message as it travels: one packet, and for a long one a file with the rest of it.
//!
//! ```text
//! byte 0    WHOLE, or HEAD: the rest is in the memfd that comes with the packet
//! 1 ..      the message, or its first LIMIT - 1 bytes
//! ```
//!
//! The kernel takes and gives a packet as one piece, so a message is there or is not, whoever
//! is killed while sending. A long message fills its packet too, and so counts for what the socket
//! has room for: a sender of long messages waits for the receiver as any other does.

use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::io::Errno;

use crate::sys::{Refused, bytes_present, file_fits, keeps_size, memory_file, seal};

/// The longest packet. A few fit into a socket at once (its buffer is 208 KiB by default).
const LIMIT: usize = 64 * 1024;

const WHOLE: u8 = 0;
const HEAD: u8 = 1;

/// A message, ready to be sent as often as it takes.
#[derive(Debug)]
pub(crate) struct Packet {
    bytes: Vec<u8>,
    rest: Option<OwnedFd>,
}

impl Packet {
    /// What a message begins with: whoever encodes one appends to this.
    pub(crate) fn blank() -> Vec<u8> {
        vec![WHOLE]
    }

    /// `bytes` are a [`Packet::blank`] with the message behind it.
    pub(crate) fn new(mut bytes: Vec<u8>) -> Result<Self, Refused> {
        let rest = match bytes.get(LIMIT..) {
            None | Some([]) => None,
            Some(rest) => Some(sealed(rest)?),
        };
        if rest.is_some() {
            bytes.truncate(LIMIT);
            bytes[0] = HEAD;
        }
        Ok(Packet { bytes, rest })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn rest(&self) -> Option<BorrowedFd<'_>> {
        self.rest.as_ref().map(AsFd::as_fd)
    }
}

/// A buffer that any packet of ours fits into, and one byte more: a peer's longer one shows.
pub(crate) fn buffer() -> Vec<u8> {
    vec![0; LIMIT + 1]
}

/// Gives `read` the message that was received as `bytes` and, perhaps, a file. The peer may be
/// anyone: nothing it says is believed.
pub(crate) fn open<R>(
    bytes: &[u8],
    rest: Option<OwnedFd>,
    read: impl FnOnce(&[u8]) -> R,
) -> Result<R, Refused> {
    match (bytes, rest) {
        ([WHOLE, message @ ..], None) => Ok(read(message)),
        ([HEAD, head @ ..], Some(rest)) => joined(head, &rest).map(|message| read(&message)),
        ([HEAD, ..], None) => Err(Refused::Garbage("the rest of a long message is missing")),
        ([WHOLE, ..], Some(_)) => Err(Refused::Garbage("a file came with a short message")),
        _ => Err(Refused::Garbage("it begins with an unknown mark")),
    }
}

/// A file with the rest, of a size for good. Its sender may still write into it, but then what is
/// received is something else, no worse than if that had been sent: it is copied once and then
/// decoded. (A seal against writing takes the kernel milliseconds, in which it waits for pages to
/// settle.)
fn sealed(rest: &[u8]) -> Result<OwnedFd, Refused> {
    file_fits(rest.len()).map_err(Refused::FileSizeLimit)?;
    let file = memory_file("multiproc-message").map_err(|(call, errno)| os(call)(errno))?;
    let mut left = rest;
    // Written, not put there: so its position is its end. A receiver whose standard output is closed
    // may have it at that number for a moment, and what is printed then would be behind the end.
    while !left.is_empty() {
        match rustix::io::write(&file, left) {
            Ok(written) => left = &left[written..],
            Err(Errno::INTR) => {}
            Err(errno) => return Err(os("write")(errno)),
        }
    }
    seal(&file);
    Ok(file)
}

/// Reads the file behind `head`. It is never mapped, and nothing is reserved for it before it is
/// known to be in memory and sealed, and to have there all the bytes that it claims.
fn joined(head: &[u8], file: &OwnedFd) -> Result<Vec<u8>, Refused> {
    let stat = rustix::fs::fstat(file).map_err(os("fstat"))?;
    if !keeps_size(file, &stat).map_err(|(call, errno)| os(call)(errno))? {
        return Err(Refused::Garbage("the file with the rest of a message is not sealed"));
    }
    let rest = bytes_present(file)
        .map_err(os("fstat"))?
        .ok_or(Refused::Garbage("the file with the rest of a message has holes"))?;
    let mut message = Vec::new();
    let total = head.len().checked_add(rest).ok_or_else(|| os("fstat")(Errno::NOMEM))?;
    message.try_reserve_exact(total).map_err(|_| os("reading a long message")(Errno::NOMEM))?;
    message.extend_from_slice(head);
    while message.len() < total {
        let at = (message.len() - head.len()) as u64;
        match rustix::io::pread(file, rustix::buffer::spare_capacity(&mut message), at) {
            Ok(0) => return Err(Refused::Garbage("the rest of a long message is cut off")),
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(os("pread")(errno)),
        }
    }
    Ok(message)
}

pub(super) fn os(call: &'static str) -> impl Fn(Errno) -> Refused {
    move |errno| Refused::Os(call, errno.into())
}

#[cfg(test)]
mod tests {
    use std::mem::MaybeUninit;

    use rustix::fs::MemfdFlags;
    use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
    use std::io::IoSlice;

    use super::*;
    use crate::sys::Socket;

    fn garbage(socket: &Socket) -> &'static str {
        match socket.try_recv(<[u8]>::len) {
            Err(Refused::Garbage(what)) => what,
            other => panic!("{other:?} is not garbage"),
        }
    }

    fn send_raw(socket: &Socket, bytes: &[u8], files: &[BorrowedFd<'_>]) {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
        let mut control = SendAncillaryBuffer::new(&mut space);
        if !files.is_empty() {
            control.push(SendAncillaryMessage::ScmRights(files));
        }
        let bytes = [IoSlice::new(bytes)];
        rustix::net::sendmsg(socket, &bytes, &mut control, SendFlags::NOSIGNAL).expect("room");
    }

    fn memfd(bytes: u64) -> OwnedFd {
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let file = rustix::fs::memfd_create("test", flags).expect("a descriptor");
        rustix::fs::ftruncate(&file, bytes).expect("a size");
        file
    }

    #[test]
    fn what_a_hostile_peer_sends_is_garbage_and_the_next_message_arrives() {
        let (here, there) = Socket::pair().expect("two descriptors");
        let file = memfd(10);
        let sparse = memfd(1 << 50);
        seal(&sparse);
        let small = sealed(b"rest").expect("a descriptor");
        let file_on_disk = std::fs::File::open("/proc/self/exe").expect("it runs");
        let long = vec![WHOLE; LIMIT + 100];

        let attacks: [(&[u8], &[BorrowedFd<'_>], &str); 8] = [
            (&[9, 1, 2], &[], "unknown mark"),
            (&[HEAD, 1], &[], "is missing"),
            (&[WHOLE, 1], &[small.as_fd()], "came with a short"),
            (&[HEAD], &[file.as_fd()], "not sealed"),
            (&[HEAD], &[file_on_disk.as_fd()], "not sealed"),
            (&[HEAD], &[sparse.as_fd()], "holes"),
            (&[HEAD], &[small.as_fd(); 8], "too many files"),
            (&long, &[], "longer than a packet"),
        ];
        for (bytes, files, expected) in attacks {
            send_raw(&there, bytes, files);
            let said = garbage(&here);
            assert!(said.contains(expected), "{said:?} instead of {expected:?}");
        }
        send_raw(&there, &[HEAD, b'>'], &[small.as_fd()]);
        let message = here.try_recv(<[u8]>::to_vec).expect("a message");
        assert_eq!(message, b">rest");
    }
}
