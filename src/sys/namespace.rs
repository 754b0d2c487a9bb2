//! The namespaces in which the numbers hold by which processes know each other.

use std::io::{self, ErrorKind};
use std::sync::OnceLock;

use rustix::fs::{AtFlags, statat};

use crate::sys::{ForkLocal, proc_folder};

/// A kind of namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Namespace {
    /// Of process and thread numbers: locks know their owners by them.
    Pid,
    /// Of the clock that says when a process started, which tells it from the next of its number.
    Time,
}

impl Namespace {
    pub(crate) const ALL: [Self; 2] = [Namespace::Pid, Namespace::Time];

    /// The number of the time namespace that the machine began with, which the kernel gives to no other
    /// (TIME_NS_INIT_INO).
    pub(crate) const FIRST_TIME: u64 = 0xEFFF_FFFA;

    pub(crate) fn name(self) -> &'static str {
        match self {
            Namespace::Pid => "PID",
            Namespace::Time => "time",
        }
    }

    /// The number of the one that this process is in; 0 where the kernel has none of the kind.
    ///
    /// The PID namespace of a process is the one that it was born in, for good: it is asked for once. A
    /// process goes into another time namespace by a `setns`, which nothing else tells of.
    pub(crate) fn own(self) -> io::Result<u64> {
        match self {
            Namespace::Pid => {
                static OWN: ForkLocal<OnceLock<u64>> = ForkLocal::new(OnceLock::new);
                let known = OWN.get();
                match known.get() {
                    Some(&number) => Ok(number),
                    None => self.number("self", "").map(|number| *known.get_or_init(|| number)),
                }
            }
            Namespace::Time => match self.number("self", "") {
                // Before Linux 5.6. (PID namespaces are older than all that this crate needs.)
                Err(error) if error.kind() == ErrorKind::NotFound => Ok(0),
                own => own,
            },
        }
    }

    /// Whether the calling thread's children go into another than it is in itself, after an
    /// `unshare` or a `setns`; `None` where that cannot be seen. It is asked each time: nothing else
    /// tells of those calls.
    pub(crate) fn is_left_by_children(self) -> Option<bool> {
        match (self, self.number("thread-self", "_for_children")) {
            // Then it is the thread's own: a `setns` takes the thread there too, and what an
            // `unshare` gives to the children alone is a new one.
            (Namespace::Time, Ok(Self::FIRST_TIME)) => Some(false),
            (_, Ok(theirs)) => self.own().ok().map(|own| theirs != own),
            // As in `own`.
            (Namespace::Time, Err(error)) if error.kind() == ErrorKind::NotFound => Some(false),
            // One in which no process has been started yet has no name.
            (Namespace::Pid, Err(error)) if error.kind() == ErrorKind::NotFound => {
                self.number("thread-self", "").ok().map(|_| true)
            }
            (_, Err(_)) => None,
        }
    }

    fn number(self, whose: &str, of: &str) -> io::Result<u64> {
        let folder = proc_folder(&format!("/proc/{whose}/ns"))?;
        let name = format!("{}{of}", self.file());
        Ok(statat(&folder, name, AtFlags::empty())?.st_ino)
    }

    fn file(self) -> &'static str {
        match self {
            Namespace::Pid => "pid",
            Namespace::Time => "time",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stay_where_nobody_has_said_otherwise() {
        for namespace in Namespace::ALL {
            assert_eq!(namespace.is_left_by_children(), Some(false), "{namespace:?}");
        }
        let pid = Namespace::Pid.own().expect("there is /proc");
        assert_ne!(pid, 0);
        assert_eq!(Namespace::Pid.own().expect("it is known"), pid);
        assert_eq!(Namespace::Pid.number("self", "").expect("there is /proc"), pid);
    }
}
