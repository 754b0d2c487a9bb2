//! Descriptors beside the bytes of a message.
//!
//! Serde sees bytes only, and a descriptor is a number that means something in one process. So
//! whoever can carry descriptors opens a context around serialising ([`sending`]) and around
//! deserialising ([`taking`]); inside, a value hands its descriptors over and writes down their
//! places in the list. Outside a context there is nobody to carry them, and that is an error.
//!
//! ```text
//! sending:  value --bytes--> message        taking:  message --bytes--> value
//!                 --send_fd--> [fd, fd, …]           [fd, fd, …] --take_fd-->
//! ```

use std::cell::RefCell;
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{BorrowedFd, OwnedFd};

use rustix::io::fcntl_dupfd_cloexec;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::error::Chain;
use crate::shm::mapping::Mapping;

/// A list that is there as long as its thread: what has no drop is not gone when other thread-locals
/// are dropped, which may start processes. Nothing is left in it when its context ends.
type List<T> = ManuallyDrop<RefCell<Option<Vec<T>>>>;

thread_local! {
    static SENDING: List<OwnedFd> = const { ManuallyDrop::new(RefCell::new(None)) };
    /// Why the last hand-over failed: postcard's errors keep no text of others.
    static TROUBLE: RefCell<Option<String>> = const { RefCell::new(None) };
    static TAKING: List<Option<OwnedFd>> = const { ManuallyDrop::new(RefCell::new(None)) };
}

/// Why a descriptor was not handed over.
#[derive(Debug)]
pub(crate) enum HandoffError {
    /// Nobody is there to carry it.
    NoCarrier,
    /// The message names a descriptor that did not come with it.
    Missing,
    /// No descriptor is left in this process.
    Os(io::Error),
}

impl fmt::Display for HandoffError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HandoffError::NoCarrier => f.write_str(
                "what processes share goes to another as an argument of Process::spawn or by \
                 move into Process::fork, not as bytes",
            ),
            HandoffError::Missing => {
                f.write_str("the message names a descriptor that did not come with it")
            }
            HandoffError::Os(source) => write!(f, "duplicating a descriptor failed: {source}"),
        }
    }
}

/// Runs `serialise`; gives the descriptors that were sent from within, in their order. They are
/// duplicates: what they were made from may be gone before the message is.
pub(crate) fn sending<R>(serialise: impl FnOnce() -> R) -> (R, Vec<OwnedFd>) {
    /// Puts back what an outer context had collected, also when `serialise` panics.
    struct Outer(Option<Vec<OwnedFd>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            SENDING.with(|list| list.replace(self.0.take()));
        }
    }
    let outer = Outer(SENDING.with(|list| list.replace(Some(Vec::new()))));
    note(None);
    let value = serialise();
    let sent = SENDING.with(|list| list.take()).unwrap_or_default();
    drop(outer);
    (value, sent)
}

/// Runs `deserialise`, within which the descriptors can be taken; those not taken are closed.
pub(crate) fn taking<R>(fds: Vec<OwnedFd>, deserialise: impl FnOnce() -> R) -> R {
    struct Outer(Option<Vec<Option<OwnedFd>>>);
    impl Drop for Outer {
        fn drop(&mut self) {
            TAKING.with(|list| list.replace(self.0.take()));
        }
    }
    let fds = fds.into_iter().map(Some).collect();
    let _outer = Outer(TAKING.with(|list| list.replace(Some(fds))));
    note(None);
    deserialise()
}

/// Hands a duplicate of `fd` to the carrier; gives its number for the message.
pub(crate) fn send_fd(fd: BorrowedFd<'_>) -> Result<u32, HandoffError> {
    SENDING.with(|list| {
        let mut sent = list.borrow_mut();
        let sent = sent.as_mut().ok_or(HandoffError::NoCarrier)?;
        let copy = fcntl_dupfd_cloexec(fd, 3).map_err(|errno| HandoffError::Os(errno.into()))?;
        sent.push(copy);
        Ok(sent.len() as u32 - 1)
    })
}

/// Takes descriptor `number` from the carrier; each can be taken once.
pub(crate) fn take_fd(number: u32) -> Result<OwnedFd, HandoffError> {
    TAKING.with(|list| {
        let mut fds = list.borrow_mut();
        let fds = fds.as_mut().ok_or(HandoffError::NoCarrier)?;
        fds.get_mut(number as usize).and_then(Option::take).ok_or(HandoffError::Missing)
    })
}

/// What went wrong with a message: in a hand-over, if that was it.
pub(crate) fn explain(error: &postcard::Error) -> String {
    note(None).unwrap_or_else(|| error.to_string())
}

pub(crate) fn noted<E: fmt::Display>(error: E) -> E {
    note(Some(error.to_string()));
    error
}

/// Puts a note in the place of the last, which it gives; none where the thread has no notes any more.
fn note(text: Option<String>) -> Option<String> {
    TROUBLE.try_with(|last| last.replace(text)).ok().flatten()
}

/// Serialises a mapping: its descriptor to the carrier, its place in the list to the message.
pub(crate) fn send_mapping<S: Serializer>(mapping: &Mapping, to: S) -> Result<S::Ok, S::Error> {
    // A model's memory has no descriptor: nothing to hand over.
    let sent = mapping.fd().ok_or(HandoffError::NoCarrier).and_then(send_fd);
    sent.map_err(|error| ser::Error::custom(noted(error)))?.serialize(to)
}

/// Deserialises a mapping that was made with the same `stamp`.
pub(crate) fn take_mapping<'de, D: Deserializer<'de>>(
    stamp: u64,
    from: D,
) -> Result<Mapping, D::Error> {
    let fd = take_fd(u32::deserialize(from)?).map_err(|error| de::Error::custom(noted(error)))?;
    Mapping::attach(fd, stamp).map_err(|error| de::Error::custom(noted(Chain(&error))))
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn dev_null() -> std::fs::File {
        std::fs::File::open("/dev/null").unwrap()
    }

    #[test]
    fn without_a_carrier_nothing_is_handed_over() {
        let refused = send_fd(dev_null().as_fd()).unwrap_err();
        assert!(matches!(refused, HandoffError::NoCarrier));
        assert!(matches!(take_fd(0).unwrap_err(), HandoffError::NoCarrier));
    }

    #[test]
    fn each_is_taken_once() {
        let file = dev_null();
        let (numbers, fds) =
            sending(|| [send_fd(file.as_fd()).unwrap(), send_fd(file.as_fd()).unwrap()]);
        assert_eq!((numbers, fds.len()), ([0, 1], 2));
        taking(fds, || {
            assert!(take_fd(1).is_ok());
            assert!(matches!(take_fd(1).unwrap_err(), HandoffError::Missing));
            assert!(matches!(take_fd(2).unwrap_err(), HandoffError::Missing));
        });
    }

    #[test]
    fn a_context_inside_another_is_its_own() {
        let file = dev_null();
        let (inner, outer) = sending(|| {
            send_fd(file.as_fd()).unwrap();
            sending(|| send_fd(file.as_fd()).unwrap()).1.len()
        });
        assert_eq!((inner, outer.len()), (1, 1));
    }
}
