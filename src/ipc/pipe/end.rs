//! What all ends of pipes do: encode and send, receive and decode.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::error::{CodecError, Error, RecvError, SendCause, SendError};
use crate::handoff::{self, HandoffError, send_fd, take_fd};
use crate::ipc::codec::{self, Reads};
use crate::shm::available;
use crate::sys::{Deadline, Packet, Refused, Side, Socket};

/// Above this, a sender asks whether the machine has the memory for a message: the kernel would
/// rather kill a process than refuse it pages.
const LARGE: usize = 16 << 20;

/// One end, shared by its clones in this process; closed with the last of them.
#[derive(Clone, Debug)]
pub(crate) struct End {
    socket: Arc<Socket>,
    /// Of the type that is sent.
    reads: Reads,
}

impl End {
    pub(crate) fn new(socket: Socket) -> Self {
        End { socket: Arc::new(socket), reads: Reads::default() }
    }

    /// Sends `value`, by the deadline; without one, now or not at all.
    pub(crate) fn send<T: Serialize + DeserializeOwned>(
        &self,
        value: T,
        deadline: Option<Deadline>,
    ) -> Result<(), SendError<T>> {
        match self.encode(&value).and_then(|packet| self.send_packet(&packet, deadline)) {
            Ok(()) => Ok(()),
            Err(cause) => Err(SendError::new(value, cause)),
        }
    }

    fn encode<T: Serialize + DeserializeOwned>(&self, value: &T) -> Result<Packet, SendCause> {
        let shapes = self.reads.get::<T>().map_err(SendCause::Encode)?;
        let bytes = handoff::not_sending(|| codec::append(value, shapes, Packet::blank()));
        let bytes = bytes.map_err(SendCause::Encode)?;
        if bytes.len() > LARGE {
            let max = available();
            if bytes.len() > max {
                return Err(SendCause::TooLarge { bytes: bytes.len(), max });
            }
        }
        Packet::new(bytes).map_err(not_sent)
    }

    #[cfg_attr(modelled, multiproc_checker::mutants)]
    #[cfg_attr(modelled, forgets(loops))]
    fn send_packet(&self, packet: &Packet, deadline: Option<Deadline>) -> Result<(), SendCause> {
        loop {
            match self.socket.try_send(packet) {
                Err(Refused::NotNow) => {}
                sent => return sent.map_err(not_sent),
            }
            let Some(deadline) = deadline else { return Err(SendCause::Full) };
            let ready = self.socket.wait(Side::Send, deadline).map_err(not_sent)?;
            if !ready {
                return Err(SendCause::TimedOut);
            }
        }
    }

    /// Receives a value, by the deadline; without one, now or not at all.
    #[cfg_attr(modelled, multiproc_checker::mutants)]
    #[cfg_attr(modelled, forgets(loops))]
    pub(crate) fn recv<T: DeserializeOwned>(
        &self,
        deadline: Option<Deadline>,
    ) -> Result<T, RecvError> {
        loop {
            match self.socket.try_recv(decode) {
                Err(Refused::NotNow) => {}
                received => return received.map_err(not_received)?,
            }
            let Some(deadline) = deadline else { return Err(RecvError::Empty) };
            let ready = self.socket.wait(Side::Receive, deadline).map_err(not_received)?;
            if !ready {
                return Err(RecvError::TimedOut);
            }
        }
    }

    /// For futures: sends `value`, which is encoded once, into `packet`; gives it back when there is no room.
    pub(crate) fn send_attempt<T: Serialize + DeserializeOwned>(
        &self,
        value: T,
        packet: &mut Option<Packet>,
    ) -> Result<Option<T>, SendError<T>> {
        let encoded = match packet {
            Some(packet) => Ok(packet),
            None => self.encode(&value).map(|encoded| packet.insert(encoded)),
        };
        match encoded.and_then(|packet| self.send_packet(packet, None)) {
            Ok(()) => Ok(None),
            Err(SendCause::Full) => Ok(Some(value)),
            Err(cause) => Err(SendError::new(value, cause)),
        }
    }

    /// For futures: in a model, sleeps until the side may be ready.
    pub(crate) fn sleeps_here(&self, side: Side) -> bool {
        self.socket.sleeps_here(side)
    }

    /// Receives what was sent until now, and no more.
    pub(crate) fn stop_receiving(&self) -> Result<(), RecvError> {
        self.socket.shut(Side::Receive).map_err(not_received)
    }

    /// Whether `recv` would not wait. When even asking fails, it would not: it would fail.
    pub(crate) fn poll(&self, deadline: Deadline) -> bool {
        self.socket.wait(Side::Receive, deadline).unwrap_or(true)
    }
}

impl AsFd for End {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The end itself goes to the process that is spawned with it as an argument. Any other
/// serializer gets an error.
impl Serialize for End {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // A model's socket has no descriptor: nothing to hand over.
        let sent = self.socket.fd().ok_or(HandoffError::NoCarrier).and_then(send_fd);
        sent.map_err(ser::Error::custom)?.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for End {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = handoff::number(deserializer)?;
        if handoff::is_probing() {
            let made = Socket::pair().map_err(made).map_err(de::Error::custom);
            return made.map(|(socket, _)| End::new(socket));
        }
        let fd = take_fd(number).map_err(de::Error::custom)?;
        Ok(End::new(Socket::from(fd)))
    }
}

fn decode<T: DeserializeOwned>(message: &[u8]) -> Result<T, RecvError> {
    handoff::not_taking(|| codec::decode(message)).map_err(RecvError::Decode)
}

fn not_sent(refused: Refused) -> SendCause {
    match refused {
        Refused::NotNow => SendCause::Full,
        // Garbage is only ever received.
        Refused::Gone | Refused::Garbage(_) => SendCause::Disconnected,
        Refused::FileSizeLimit(limit) => SendCause::FileSizeLimit(limit),
        Refused::Os(call, source) => SendCause::Os { call, source },
    }
}

fn not_received(refused: Refused) -> RecvError {
    match refused {
        Refused::NotNow => RecvError::Empty,
        Refused::Gone => RecvError::Closed,
        Refused::Garbage(what) => RecvError::Decode(CodecError::Malformed(what.into())),
        // A limit is only ever in the way of sending.
        Refused::FileSizeLimit(limit) => {
            RecvError::Os { call: "receiving a message", source: limit.into() }
        }
        Refused::Os(call, source) => RecvError::Os { call, source },
    }
}

/// What making a pair fails with.
pub(crate) fn made(refused: Refused) -> Error {
    match refused {
        Refused::Os(call, source) => Error::os(call, source),
        other => unreachable!("only system calls fail while a pair is made, not {other:?}"),
    }
}
