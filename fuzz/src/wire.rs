//! Any bytes that a peer may send: packets of a pipe, with descriptors; messages of a queue; what a child
//! is started with, the outcome that it returns, and what a pool and its workers send to each other.

use std::collections::{BTreeMap, HashMap};
use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use arbitrary::Arbitrary;
use multiproc::{RecvError, duplex, fuzz_support};
use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::{Deserialize, Serialize};

use super::files::{Descriptor, memfd};

#[derive(Arbitrary, Debug)]
enum Op {
    /// A packet with descriptors.
    Packet {
        mark: Option<u8>,
        bytes: Vec<u8>,
        files: Vec<(Descriptor, Vec<u8>)>,
    },
    /// A valid packet.
    Whole(Vec<u8>),
    Message(Vec<u8>),
    Letter(Vec<u8>),
    Outcome {
        kind: u8,
        bytes: Vec<u8>,
        descriptor: Descriptor,
    },
    Pool(Vec<u8>),
}

/// A value of every kind that serde has, with many pointers.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[allow(dead_code, reason = "it is only decoded and formatted")]
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

const KINDS: [&[u8; 8]; 4] = [b"returned", b"panicked", b"not read", b"not sent"];

pub(super) fn run(bytes: &[u8]) {
    let Some(operations) = super::decode::<Vec<Op>>(bytes) else { return };
    let (here, there) = duplex::<Vec<Everything>, Vec<u8>>().unwrap();
    for op in operations {
        match op {
            Op::Packet { mark, bytes, files } => {
                let bytes = [mark.as_slice(), &bytes].concat();
                let files: Vec<_> =
                    files.iter().take(8).map(|(file, bytes)| file.open(bytes)).collect();
                send(here.as_fd(), &bytes, &files);
                match there.try_recv() {
                    Ok(value) => drop(format!("{value:?}")),
                    // An empty packet means the end.
                    Err(RecvError::Decode(_) | RecvError::Closed | RecvError::Os { .. }) => {}
                    Err(error) => panic!("{error}"),
                }
                assert!(matches!(there.try_recv(), Err(RecvError::Empty)));
            }
            Op::Whole(bytes) => {
                there.try_send(bytes.clone()).unwrap();
                assert_eq!(here.try_recv().unwrap(), bytes);
            }
            Op::Message(bytes) => {
                if let Ok(value) = fuzz_support::read_message::<Vec<Everything>>(&bytes) {
                    drop(format!("{value:?}"));
                }
            }
            Op::Letter(bytes) => {
                fuzz_support::read_letter(&bytes);
                fuzz_support::read_letter(&[b"mpchild1".as_slice(), &bytes].concat());
            }
            Op::Outcome { kind, bytes, descriptor } => {
                let kind = KINDS.get(usize::from(kind)).map_or(&[][..], |kind| &kind[..]);
                let page = descriptor.open(&[kind, &bytes].concat());
                fuzz_support::read_outcome(page);
                fuzz_support::read_outcome(memfd(&bytes).into());
            }
            Op::Pool(bytes) => fuzz_support::read_messages(&bytes),
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
