//! What a user's own `Serialize` and `Deserialize` say.

use multiproc::{
    CodecError, GetError, Pool, Process, ProcessError, Queue, RecvError, SelfDescribing, TaskError,
    pipe,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::everywhere::{described, refusals, refused};

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
    assert_eq!(refused, TaskError::Decode(large()));
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
