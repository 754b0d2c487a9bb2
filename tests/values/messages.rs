//! What a user's own `Serialize` and `Deserialize` say.

use multiproc::{
    CodecError, GetError, Lock, Pool, Process, ProcessError, Queue, RecvError, SelfDescribing,
    Sender, Shared, SharedArray, TaskError, pipe,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::everywhere::{arrives, described, refusals, refused};

#[derive(Debug, PartialEq)]
struct Mute;

impl Serialize for Mute {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(ser::Error::custom("it has nothing to say"))
    }
}

impl<'de> Deserialize<'de> for Mute {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        <()>::deserialize(from).map(|()| Mute)
    }
}

/// Is read only when it is small.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
struct Small(u8);

impl<'de> Deserialize<'de> for Small {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u8::deserialize(from)? {
            n @ ..10 => Ok(Small(n)),
            n => Err(de::Error::custom(format_args!("{n} is not small"))),
        }
    }
}

fn large() -> CodecError {
    CodecError::Custom("99 is not small".to_owned())
}

#[test]
fn of_one_who_writes() {
    for error in refusals(|()| (1, Mute)) {
        assert_eq!(error, CodecError::Custom("it has nothing to say".to_owned()));
    }
}

#[test]
fn of_one_who_reads() {
    let queue = Queue::bounded(1).unwrap();
    queue.put(Small(99)).unwrap();
    assert_eq!(queue.get(), Err(GetError::Decode(large())));
    let (receiver, sender) = pipe().unwrap();
    sender.send(Small(99)).unwrap();
    assert!(matches!(receiver.recv(), Err(RecvError::Decode(error)) if error == large()));

    let child = Process::spawn(|_: Small| (), Small(99)).unwrap();
    assert!(matches!(child.join(), Err(ProcessError::Argument(error)) if error == large()));
    let child = Process::spawn(|()| Small(99), ()).unwrap();
    assert!(matches!(child.join(), Err(ProcessError::Decode(error)) if error == large()));

    let pool = Pool::new(1).unwrap();
    let refused = pool.apply(|_: Small| (), Small(99)).unwrap_err();
    assert_eq!(refused, TaskError::Argument(large()));
    let refused = pool.apply(|()| Small(99), ()).unwrap_err();
    assert_eq!(refused, TaskError::Decode(large()));
    let refused = pool.map(Small, [1, 99]).unwrap_err();
    let source = Box::new(TaskError::Decode(large()));
    assert_eq!(refused, TaskError::Items { items: 1..2, source });
}

/// Refuses every value that is made up to see what its type reads: what comes after it is not seen.
#[derive(Clone, Debug, PartialEq, Serialize)]
struct Picky(String);

impl<'de> Deserialize<'de> for Picky {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match String::deserialize(from)? {
            date if date.len() == 10 => Ok(Picky(date)),
            other => Err(de::Error::custom(format_args!("{other:?} is no date"))),
        }
    }
}

fn picky() -> Picky {
    Picky("2026-11-30".to_owned())
}

#[test]
fn what_comes_after_one_who_refuses_made_up_values_is_refused_all_the_same() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u8),
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct NotWritten {
        #[serde(skip_serializing, default)]
        a: u8,
        b: u8,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Message {
        date: Picky,
        any: Any,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Rare {
        Common(u8),
        Seldom(Picky, Any),
    }
    arrives(|()| [Some(picky()), None]);
    arrives(|()| (picky(), 5, picky()));
    refused(|()| Message { date: picky(), any: Any::Number(1) }, &["Message", "untagged"]);
    described(|()| Message { date: picky(), any: Any::Number(1) });
    refused(|()| Rare::Seldom(picky(), Any::Number(1)), &["Rare", "untagged"]);
    arrives(|()| Rare::Common(1));
    refused(|()| (picky(), NotWritten { a: 0, b: 5 }), &["NotWritten", "one field", "2 fields"]);
    let given = (Shared::new(Lock::new(7)).unwrap(), picky());
    let child = Process::spawn(|(lock, date)| date == picky() && *lock.lock().unwrap() == 7, given);
    assert!(child.unwrap().join().unwrap());
}

/// Takes 16 bytes.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Id(serde_bytes::ByteArray<16>);

#[test]
fn what_comes_after_an_identifier_of_16_bytes_is_told_by_its_place() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u8),
    }
    refused(
        |()| (Id(serde_bytes::ByteArray::new([7; 16])), [Any::Number(1)]),
        &["`Any`", "(Id, [Any; 1]).1.0", "untagged"],
    );
}

#[test]
fn in_what_describes_itself_already_where_it_is_sent() {
    described(|()| Small(9));
    refused(|()| SelfDescribing(Small(99)), &["Small", "99 is not small"]);
}

#[test]
fn an_error_says_what_to_do_and_each_cause_once() {
    #[derive(Debug, Serialize, Deserialize)]
    #[serde(untagged)]
    enum Any {
        Number(u8),
    }
    let (_receiver, sender) = pipe().unwrap();
    let error = sender.send(vec![Any::Number(1)]).unwrap_err();
    let mut said = error.to_string();
    let mut cause: Option<&dyn std::error::Error> = std::error::Error::source(&error);
    while let Some(next) = cause {
        said += &format!("\n{next}");
        cause = next.source();
    }
    assert_eq!(
        said,
        "the value cannot be encoded\n`Any` (at `Vec<Any>[..]`) can only be read from a format that \
         describes itself, because of #[serde(untagged)]: send it in a multiproc::SelfDescribing, \
         or do without"
    );
}

#[test]
fn what_processes_share_in_what_describes_itself() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Shares {
        queue: Option<Queue<u8>>,
        #[serde(skip_serializing_if = "Vec::is_empty", default)]
        locks: Vec<Shared<Lock<u8>>>,
        array: SharedArray<u8>,
        sender: Sender<u8>,
    }
    let (receiver, sender) = pipe().unwrap();
    let queue = Queue::bounded(1).unwrap();
    let lock = Shared::new(Lock::new(1)).unwrap();
    let array = SharedArray::new(&[2]).unwrap();
    let locks = vec![lock.clone(), lock.clone()];
    let shares = Shares { queue: Some(queue.clone()), locks, array, sender };
    let share = |SelfDescribing(shares): SelfDescribing<Shares>| {
        shares.queue.unwrap().put(3).unwrap();
        shares.sender.send(4).unwrap();
        for lock in shares.locks {
            *lock.lock().unwrap() += shares.array.get(0).unwrap();
        }
    };
    Process::spawn(share, SelfDescribing(shares)).unwrap().join().unwrap();
    assert_eq!((queue.get(), *lock.lock().unwrap()), (Ok(3), 5));
    assert_eq!(receiver.recv().unwrap(), 4);
}
