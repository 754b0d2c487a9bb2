//! Whatever a peer sends: packets of a pipe, with descriptors; messages of a queue; the letter that
//! a child finds, the outcome that it leaves, and what a pool and its workers say.

use std::collections::{BTreeMap, HashMap};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use arbitrary::Arbitrary;
use multiproc::{GetError, Queue, RecvError, duplex, fuzz_support};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::SerializeTuple};

use super::files::{Descriptor, memfd};

#[derive(Arbitrary, Debug)]
enum Turn {
    /// A packet, and the files that come with it.
    Packet {
        mark: Option<u8>,
        bytes: Vec<u8>,
        files: Vec<(Descriptor, Vec<u8>)>,
    },
    /// A packet as it should be.
    Whole(Vec<u8>),
    Message(Vec<u8>),
    Letter(Vec<u8>),
    Outcome {
        kind: u8,
        bytes: Vec<u8>,
        descriptor: Descriptor,
    },
    Said(Vec<u8>),
}

/// Something of every kind that serde knows, which points as often as it can.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(dead_code, reason = "it is only decoded and shown")]
enum Everything {
    Nothing,
    Numbers(u8, i16, u32, i64, u128, f32, f64),
    Text(String, char, Box<str>),
    #[serde(with = "serde_bytes")]
    Bytes(Vec<u8>),
    Lists {
        numbers: Vec<u64>,
        lists: Vec<Vec<String>>,
        pairs: [(bool, Option<u16>); 3],
    },
    Maps(BTreeMap<u8, String>, HashMap<String, Box<[u32]>>),
    Time(Duration, Result<(), String>),
}

/// A message of a queue that is any bytes when it is put, and [`Everything`] when it is taken.
#[derive(Debug)]
#[allow(dead_code, reason = "as above")]
enum Message {
    Raw(Vec<u8>),
    Read(Vec<Everything>),
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Message::Raw(bytes) = self else { return Err(serde::ser::Error::custom("it is read")) };
        let mut tuple = serializer.serialize_tuple(bytes.len())?;
        bytes.iter().try_for_each(|byte| tuple.serialize_element(byte))?;
        tuple.end()
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::deserialize(deserializer).map(Message::Read)
    }
}

const KINDS: [&[u8; 8]; 4] = [b"returned", b"panicked", b"not read", b"not sent"];

pub(super) fn play(bytes: &[u8]) {
    let Some(turns) = super::said::<Vec<Turn>>(bytes) else { return };
    let (here, there) = duplex::<Vec<Everything>, Vec<u8>>().unwrap();
    let queue = Queue::<Message>::bounded(2).unwrap();
    for turn in turns {
        match turn {
            Turn::Packet { mark, bytes, files } => {
                let bytes = [mark.as_slice(), &bytes].concat();
                let files: Vec<_> =
                    files.iter().take(8).map(|(file, bytes)| file.open(bytes)).collect();
                send(here.as_fd(), &bytes, &files);
                match there.try_recv() {
                    Ok(value) => drop(format!("{value:?}")),
                    // An empty packet is taken for the end.
                    Err(RecvError::Decode(_) | RecvError::Closed | RecvError::Os { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
                assert!(matches!(there.try_recv(), Err(RecvError::Empty)));
            }
            Turn::Whole(bytes) => {
                there.try_send(bytes.clone()).unwrap();
                assert_eq!(here.try_recv().unwrap(), bytes);
            }
            Turn::Message(bytes) => {
                queue.try_put(Message::Raw(bytes.clone())).unwrap();
                match queue.try_get() {
                    Ok(value) => drop(format!("{value:?}")),
                    Err(GetError::Decode(_)) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            Turn::Letter(bytes) => {
                fuzz_support::read_letter(&bytes);
                fuzz_support::read_letter(&[b"mpchild1".as_slice(), &bytes].concat());
            }
            Turn::Outcome { kind, bytes, descriptor } => {
                let kind = KINDS.get(usize::from(kind)).map_or(&[][..], |kind| &kind[..]);
                let page = descriptor.open(&[kind, &bytes].concat());
                fuzz_support::read_outcome(page);
                fuzz_support::read_outcome(memfd(&bytes).into());
            }
            Turn::Said(bytes) => fuzz_support::read_messages(&bytes),
        }
    }
}

fn send(socket: impl AsFd, bytes: &[u8], files: &[OwnedFd]) {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(8))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    let files: Vec<_> = files.iter().map(AsFd::as_fd).collect();
    if !files.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(&files));
    }
    rustix::net::sendmsg(socket, &[IoSlice::new(bytes)], &mut control, SendFlags::DONTWAIT)
        .expect("there is room for one packet");
}
