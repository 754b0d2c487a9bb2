//! Messages of tasks in the memory that the pool shares with its workers: short ones beside the task's
//! words, long ones in a room of their own.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::sync::Arc;

use crate::error::{Chain, CodecError, Error};
use crate::handoff;
use crate::ipc::codec;
use crate::pool::request::{Call, Failure, Outcome};
use crate::pool::schedule::{Header, STAMP, Schedule};
use crate::pool::task::Bytes;
use crate::shm::{Rooms, send_mapping, take_mapping};
use crate::sys::file_fits;

/// A request, and an outcome that is a result: what stands there is encoded.
const VALUE: u32 = 0;
/// An outcome that is none: a [`Failure`].
const FAILURE: u32 = 1;

/// Granules of a short message: with its words, a task takes 512 bytes.
const SHORT: u32 = 58;

/// The memory of a pool.
#[derive(Clone, Debug)]
pub(super) struct Messages {
    pub(super) schedule: Arc<Schedule>,
    /// `None` where the process may not have so much memory as files.
    rooms: Option<Arc<Rooms>>,
}

impl Messages {
    /// For so many tasks at a time, or fewer where memory is limited, and workers.
    pub(super) fn new(tasks: u32, workers: u32) -> Result<Self, Error> {
        let schedule = match Schedule::new(tasks, workers, SHORT) {
            Err(Error::FileSizeLimit(_)) if tasks > workers.next_power_of_two() => {
                return Self::new(tasks / 2, workers);
            }
            schedule => Arc::new(schedule?),
        };
        let rooms = match Rooms::new(schedule.tasks()) {
            Ok(rooms) => Some(Arc::new(rooms)),
            // Limits are for good: without rooms, long messages are refused.
            Err(Error::FileSizeLimit(_) | Error::Os { call: "mmap", .. }) => None,
            Err(error) => return Err(error),
        };
        Ok(Messages { schedule, rooms })
    }

    /// How long a message may be.
    fn longest(&self) -> usize {
        let room = self.rooms.as_ref().map_or(0, |rooms| rooms.size());
        self.schedule.longest_short().max(room)
    }

    /// Whether a message can be in the memory at all.
    pub(super) fn check(&self, message: &[u8]) -> Result<(), CodecError> {
        let (len, longest) = (message.len(), self.longest());
        if len > longest {
            return Err(CodecError::NotCarried(match file_fits(len) {
                Err(limit) => limit.to_string(),
                Ok(()) => format!(
                    "it has {len} bytes, and the pool can carry {longest}: it was made under a limit of \
                     addresses or files (ulimit -v, ulimit -f)"
                ),
            }));
        }
        Ok(())
    }

    /// Writes the message into the task's place, of which `room` bytes have memory; gives how many have it
    /// then.
    fn write(&self, index: u32, mut header: Header, message: &[u8]) -> Result<usize, Error> {
        if message.len() <= self.schedule.longest_short() {
            let (words, rest) = message.as_chunks();
            let short = self.schedule.short(index);
            for (granule, word) in short.iter().zip(words) {
                granule.write(u64::from_ne_bytes(*word));
            }
            if !rest.is_empty() {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                short[words.len()].write(u64::from_ne_bytes(last));
            }
        } else if let Some(rooms) = &self.rooms {
            let had = usize::try_from(header.room).unwrap_or(0);
            header.room = rooms.reserve(index, had, message.len())? as u64;
            rooms.write(index, message);
        }
        header.len = message.len() as u64;
        self.schedule.set_header(index, header);
        Ok(header.room as usize)
    }

    /// Reads the message in the task's place into `message`, in place of what was there.
    fn read(&self, index: u32, header: &Header, message: &mut Vec<u8>) -> Result<(), CodecError> {
        message.clear();
        let len = usize::try_from(header.len).unwrap_or(usize::MAX);
        if len <= self.schedule.longest_short() {
            message.reserve(len.next_multiple_of(8));
            for granule in &self.schedule.short(index)[..len.div_ceil(8)] {
                message.extend_from_slice(&granule.read().to_ne_bytes());
            }
            message.truncate(len);
            return Ok(());
        }
        match &self.rooms {
            Some(rooms) if len <= rooms.size() => rooms
                .read(index, len, message)
                .map_err(|error| CodecError::NotCarried(Chain(&error).to_string())),
            _ => {
                let what = format!("a worker says that a message has {len} bytes");
                Err(CodecError::Malformed(what))
            }
        }
    }

    /// Reads the message in the task's place.
    fn read_bytes(&self, index: u32, header: &Header) -> Result<Bytes, CodecError> {
        if header.len <= Bytes::SHORT as u64 {
            let (len, mut bytes) = (header.len as u8, [0; Bytes::SHORT]);
            for (chunk, granule) in
                bytes.as_chunks_mut().0.iter_mut().zip(self.schedule.short(index))
            {
                *chunk = granule.read().to_ne_bytes();
            }
            return Ok(Bytes::Short { len, bytes });
        }
        let mut message = Vec::new();
        self.read(index, header, &mut message)?;
        Ok(Bytes::Long(message))
    }

    /// Writes the request into the place of a task that is not queued. Fails where there is no memory.
    pub(super) fn write_request(
        &self,
        index: u32,
        Call { runner, function }: Call,
        argument: &[u8],
        room: usize,
    ) -> Result<usize, CodecError> {
        let header =
            Header { kind: VALUE, room: room as u64, function, runner, ..Header::default() };
        self.write(index, header, argument)
            .map_err(|error| CodecError::NotCarried(Chain(&error).to_string()))
    }

    /// Reads the request of a task that the caller, a worker, has claimed; the argument into a buffer of
    /// its own.
    pub(super) fn read_request(
        &self,
        index: u32,
        argument: &mut Vec<u8>,
    ) -> (Header, Result<(), CodecError>) {
        let header = self.schedule.header(index);
        let read = self.read(index, &header, argument);
        (header, read)
    }

    /// Writes the outcome of a task that the caller, a worker, has claimed; `result` if it is one.
    pub(super) fn write_outcome(
        &self,
        index: u32,
        request: &Header,
        outcome: Outcome,
        result: &[u8],
    ) {
        let mut header = Header { kind: VALUE, room: request.room, ..Header::default() };
        let failure = match outcome {
            Ok(()) => {
                let written = self.check(result).and_then(|()| {
                    self.write(index, header, result)
                        .map_err(|error| CodecError::NotCarried(Chain(&error).to_string()))
                });
                match written {
                    Ok(_) => return,
                    Err(why) => Failure::NotSent(why),
                }
            }
            Err(failure) => failure,
        };
        header.kind = FAILURE;
        let written = codec::to_bytes(&failure).and_then(|bytes| {
            self.check(&bytes)?;
            Ok(self.write(index, header, &bytes))
        });
        if !matches!(written, Ok(Ok(_))) {
            // Not even its reason can be left (the text of a panic is long, and there is no memory): an
            // outcome without bytes, which cannot be read.
            self.schedule.set_header(index, Header { len: 0, ..header });
        }
    }

    /// Reads the outcome of a task that is done; and how many bytes of its room have memory, as the worker
    /// says.
    pub(super) fn read_outcome(
        &self,
        index: u32,
    ) -> (Result<Result<Bytes, Failure>, CodecError>, usize) {
        let header = self.schedule.header(index);
        let outcome = self.read_bytes(index, &header).and_then(|message| match header.kind {
            VALUE => Ok(Ok(message)),
            FAILURE => codec::decode(&message).map(Err),
            kind => {
                let what = format!("a worker says that an outcome is of kind {kind}");
                Err(CodecError::Malformed(what))
            }
        });
        (outcome, usize::try_from(header.room).unwrap_or(usize::MAX))
    }

    /// Whether reading the outcome takes a while.
    pub(super) fn is_long(&self, index: u32) -> bool {
        self.schedule.header(index).len > 1 << 16
    }

    /// Gives back what memory the task's room has, of which `room` bytes have some.
    pub(super) fn release(&self, index: u32, room: usize) {
        if let Some(rooms) = &self.rooms {
            rooms.release(index, 0, room);
        }
    }

    /// How many bytes of a room may have memory, by what a worker says.
    pub(super) fn checked_room(&self, claimed: usize) -> usize {
        self.rooms.as_ref().map_or(0, |rooms| claimed.min(rooms.size()))
    }
}

/// Only as an argument of a worker.
impl Serialize for Messages {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (Handed(self.schedule.clone()), self.rooms.as_deref()).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Messages {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (Handed(schedule), rooms) = <(Handed, Option<Rooms>)>::deserialize(deserializer)?;
        Ok(Messages { schedule, rooms: rooms.map(Arc::new) })
    }
}

struct Handed(Arc<Schedule>);

impl Serialize for Handed {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        send_mapping(self.0.mapping(), serializer)
    }
}

impl<'de> Deserialize<'de> for Handed {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = handoff::number(deserializer)?;
        let schedule = if handoff::is_probing() {
            Schedule::new(1, 1, 0)
        } else {
            Schedule::attach(take_mapping(STAMP, number)?)
        };
        schedule.map(|schedule| Handed(Arc::new(schedule))).map_err(de::Error::custom)
    }
}
