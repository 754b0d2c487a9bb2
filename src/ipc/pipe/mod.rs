//! Typed pipes between threads and processes.
//!
//! # The protocol
//!
//! There is none of our own: the kernel's sockets carry packets, one packet is one message, and a
//! packet is sent and received as one piece. So no lock is needed, any number of processes may
//! send into and receive from the same end, and one that is killed, at whatever instruction, has
//! sent its message or has not. What is ours is the waiting:
//!
//! ```text
//! send / recv:  try ── done
//!                │ NotNow
//!                └── wait until the socket is ready ── try …
//! ```
//!
//! The wait is only a hint: another may take the room or the message first, and the loop asks
//! again. models/pipe.rs explores it.

mod connection;
mod end;
mod receiver;
mod sender;

pub use connection::Connection;
pub use receiver::Receiver;
pub use sender::Sender;

use crate::error::Error;
pub(crate) use crate::ipc::pipe::end::End;
use crate::ipc::pipe::end::made;
use crate::sys::{Side, Socket};

/// A pipe in one direction: what is sent into the [`Sender`] comes out of the [`Receiver`].
///
/// Messages arrive whole and in order, however many threads and processes hold clones of either
/// end; each is received once. A pipe has room for as much as the system gives a socket, where each
/// message takes some hundred bytes more; then senders wait. By default that is some 270 messages of up
/// to 100 bytes, or 90 of 1000 bytes, or four of 60 KB or more, of whatever length.
///
/// ```
/// let (receiver, sender) = multiproc::pipe::<Vec<i32>>()?;
/// sender.send(vec![1, 2, 3])?;
/// drop(sender);
/// assert_eq!(receiver.recv()?, [1, 2, 3]);
/// assert!(matches!(receiver.recv(), Err(multiproc::RecvError::Closed)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Costs
///
/// Two descriptors, shared by clones. A message above 64 KiB takes one more while it travels.
///
/// # Errors
///
/// [`Error::Os`] when the process has no descriptor left.
///
/// # If a process dies
///
/// What it sent is received, what it was about to send is not: never a part. When it was the last
/// that could send, the receivers see [`Closed`](crate::RecvError::Closed); the last that could
/// receive, the senders see [`Disconnected`](crate::SendCause::Disconnected). A forked child
/// inherits both ends: let it drop the one that it does not use, or the pipe ends with the child.
///
/// # Different from Python
///
/// `Pipe(duplex=False)` gives the same pair. There, two processes that write to one end at a time
/// can tear each other's messages, and one that is killed while writing leaves half a message.
pub fn pipe<T>() -> Result<(Receiver<T>, Sender<T>), Error> {
    let (receiving, sending) = Socket::pair().map_err(made)?;
    receiving.shut(Side::Send).map_err(made)?;
    Ok((Receiver::new(End::new(receiving)), Sender::new(End::new(sending))))
}

/// A pipe in both directions: each end sends what the other receives.
///
/// ```
/// let (here, there) = multiproc::duplex::<String, usize>()?;
/// here.send("how long is this?".into())?;
/// let question = there.recv()?;
/// there.send(question.len())?;
/// assert_eq!(here.recv()?, 17);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Everything said of [`pipe`] holds of each direction.
///
/// # Errors
///
/// As for [`pipe`].
///
/// # If a process dies
///
/// As for [`pipe`].
#[allow(clippy::type_complexity, reason = "two ends, mirrored: no name would say it shorter")]
pub fn duplex<A, B>() -> Result<(Connection<A, B>, Connection<B, A>), Error> {
    let (here, there) = Socket::pair().map_err(made)?;
    Ok((Connection::new(End::new(here)), Connection::new(End::new(there))))
}
