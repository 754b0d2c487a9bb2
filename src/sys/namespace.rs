//! The namespaces in which the numbers hold by which processes know each other.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::linux::fs::MetadataExt;

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

    pub(crate) fn name(self) -> &'static str {
        match self {
            Namespace::Pid => "PID",
            Namespace::Time => "time",
        }
    }

    /// The number of the one that this process is in; 0 where the kernel has none of the kind.
    pub(crate) fn own(self) -> io::Result<u64> {
        match number("self", self.file()) {
            // Before Linux 5.6. (PID namespaces are older than all that this crate needs.)
            Err(error) if error.kind() == ErrorKind::NotFound && self == Namespace::Time => Ok(0),
            own => own,
        }
    }

    /// Whether the calling thread's children go into another than it is in itself, after an
    /// `unshare` or a `setns`; `None` where that cannot be seen.
    pub(crate) fn is_left_by_children(self) -> Option<bool> {
        let own = self.own().ok()?;
        if own == 0 {
            return Some(false);
        }
        match number("thread-self", &format!("{}_for_children", self.file())) {
            Ok(theirs) => Some(theirs != own),
            // One in which no process has been started yet has no name.
            Err(error) if error.kind() == ErrorKind::NotFound && self == Namespace::Pid => {
                fs::exists("/proc/thread-self").is_ok_and(|there| there).then_some(true)
            }
            Err(_) => None,
        }
    }

    fn file(self) -> &'static str {
        match self {
            Namespace::Pid => "pid",
            Namespace::Time => "time",
        }
    }
}

fn number(whose: &str, file: &str) -> io::Result<u64> {
    fs::metadata(format!("/proc/{whose}/ns/{file}")).map(|metadata| metadata.st_ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn children_stay_where_nobody_has_said_otherwise() {
        for namespace in Namespace::ALL {
            assert_eq!(namespace.is_left_by_children(), Some(false), "{namespace:?}");
        }
        assert_ne!(Namespace::Pid.own().expect("there is /proc"), 0);
    }
}
