//! Floor 1: descriptors beside the bytes of a message.
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

use std::cell::{Cell, RefCell};
use std::fmt;
use std::io;
use std::mem::ManuallyDrop;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::rc::Rc;
use std::thread::LocalKey;

use rustix::io::fcntl_dupfd_cloexec;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};

use crate::sys::memory_file;

/// What is open in a thread: the list of whoever opened it. It needs no drop, so it is there as long as
/// its thread is: also for what runs when other thread-locals are dropped.
type Context<T> = Cell<Option<ManuallyDrop<Rc<RefCell<T>>>>>;

thread_local! {
    static SENDING: Context<Vec<OwnedFd>> = const { Cell::new(None) };
    static TAKING: Context<Vec<Option<OwnedFd>>> = const { Cell::new(None) };
    static PROBING: Context<()> = const { Cell::new(None) };
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
            HandoffError::Os(source) => write!(f, "fcntl (F_DUPFD_CLOEXEC) failed: {source}"),
        }
    }
}

/// Runs `serialise`; gives the descriptors that were sent from within, in their order. They are
/// duplicates: what they were made from may be gone before the message is.
pub(crate) fn sending<R>(serialise: impl FnOnce() -> R) -> (R, Vec<OwnedFd>) {
    let sent = Rc::default();
    let value = opened(&SENDING, &sent, serialise);
    (value, sent.take())
}

/// Runs `deserialise`, within which the descriptors can be taken; those not taken are closed.
pub(crate) fn taking<R>(fds: Vec<OwnedFd>, deserialise: impl FnOnce() -> R) -> R {
    let fds = fds.into_iter().map(Some).collect();
    opened(&TAKING, &Rc::new(RefCell::new(fds)), deserialise)
}

/// Runs `deserialise` on values that nobody has sent: what would be handed over is made anew, for
/// the while.
pub(crate) fn probing<R>(deserialise: impl FnOnce() -> R) -> R {
    opened(&PROBING, &Rc::default(), deserialise)
}

/// Whether values are made up: see [`probing`].
pub(crate) fn is_probing() -> bool {
    within(&PROBING, |()| Ok(())).is_ok()
}

/// Runs `run` with the context open, and puts back the outer one, also when `run` panics.
fn opened<T, R>(
    context: &'static LocalKey<Context<T>>,
    list: &Rc<RefCell<T>>,
    run: impl FnOnce() -> R,
) -> R {
    struct Outer<T: 'static>(&'static LocalKey<Context<T>>, Option<ManuallyDrop<Rc<RefCell<T>>>>);
    impl<T> Drop for Outer<T> {
        fn drop(&mut self) {
            drop(self.0.replace(self.1.take()).map(ManuallyDrop::into_inner));
        }
    }
    let _outer = Outer(context, context.replace(Some(ManuallyDrop::new(list.clone()))));
    run()
}

/// Uses the list of the context that is open.
fn within<T, R>(
    context: &'static LocalKey<Context<T>>,
    use_it: impl FnOnce(&mut T) -> Result<R, HandoffError>,
) -> Result<R, HandoffError> {
    let open = context.take().ok_or(HandoffError::NoCarrier)?;
    let list = Rc::clone(&open);
    context.set(Some(open));
    use_it(&mut list.borrow_mut())
}

/// Hands a duplicate of `fd` to the carrier; gives its number for the message.
pub(crate) fn send_fd(fd: BorrowedFd<'_>) -> Result<u32, HandoffError> {
    within(&SENDING, |sent| {
        let copy = fcntl_dupfd_cloexec(fd, 3).map_err(|errno| HandoffError::Os(errno.into()))?;
        sent.push(copy);
        Ok(sent.len() as u32 - 1)
    })
}

/// Takes descriptor `number` from the carrier; each can be taken once.
pub(crate) fn take_fd(number: u32) -> Result<OwnedFd, HandoffError> {
    within(&TAKING, |fds| {
        fds.get_mut(number as usize).and_then(Option::take).ok_or(HandoffError::Missing)
    })
}

/// Deserialises what stands for a descriptor: its number, which is read also where values are made up.
pub(crate) fn number<'de, D: Deserializer<'de>>(from: D) -> Result<u32, D::Error> {
    u32::deserialize(from)
}

/// A descriptor that is handed over: the other side gets a duplicate.
#[derive(Debug)]
pub(crate) struct Handed(pub(crate) OwnedFd);

impl Serialize for Handed {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        send_fd(self.0.as_fd()).map_err(ser::Error::custom)?.serialize(to)
    }
}

impl<'de> Deserialize<'de> for Handed {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let number = number(from)?;
        if is_probing() {
            let made = memory_file("multiproc-probe");
            let refused = |(call, errno)| de::Error::custom(format_args!("{call} failed: {errno}"));
            return made.map(Handed).map_err(refused);
        }
        take_fd(number).map(Handed).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
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
    fn a_panic_closes_its_context() {
        let panicked =
            std::panic::catch_unwind(|| sending(|| std::panic::resume_unwind(Box::new(0))));
        assert!(panicked.is_err());
        assert!(matches!(send_fd(dev_null().as_fd()).unwrap_err(), HandoffError::NoCarrier));
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
