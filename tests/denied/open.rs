//! What is known to fail still.

/// Whether the cell is known to fail.
pub(crate) fn is_open(cell: &str) -> bool {
    OPEN.iter().any(|(call, operation)| {
        let mut parts = cell.split('|');
        let begins = parts.next().is_some_and(|name| name.starts_with(operation));
        begins && parts.next() == Some(call)
    })
}

/// The call, and what the operation's name begins with. This list is to be empty.
#[rustfmt::skip]
const OPEN: &[(&str, &str)] = &[
    // A descriptor is handed to a child: the error does not name the call.
    ("F_DUPFD_CLOEXEC", ""),
    // A child is told that what it was sent is not its parent's; a long message, that it is no memfd.
    ("F_GET_SEALS", ""),
    // How a child ended is not known, or not even that it did; and it is not ended.
    ("waitid", ""),
    ("waitid for a pidfd", ""),
    ("pidfds", ""),
    ("pidfd_send_signal", ""),
    ("poll and ppoll", ""),
    ("ppoll", ""),
    // A child's result is lost, and its error does not name the call.
    ("ftruncate", ""),
    ("pwrite64", "fork and join"),
    ("fstat", "fork and join"),
    ("fstat", "lock of a forked process that died"),
    // A lock of a file that cannot be given back is a failed assertion.
    ("F_OFD_SETLK", "name"),
    // The error does not say that the program is started by its name there.
    ("/proc", "spawn"),
    ("/proc", "end with"),
    ("/proc", "pipe between"),
    ("/proc", "pool"),
    // A pool's workers do not end, or its error does not name the call.
    ("shutdown", "pool"),
    ("write", "pool"),
    ("write", "end with a pool"),
    ("recvmsg", "pool"),
    ("sendmsg", "pool"),
];
