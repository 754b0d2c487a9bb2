//! Whether a thread sleeps, by /proc.

use std::fs;

/// Whether the thread with that path in /proc sleeps in a wait of this crate, and has not been woken: on
/// a futex that processes share (the futexes of std's channels and locks are private), or on a
/// descriptor.
pub(crate) fn sleeps(thread: &str) -> bool {
    const PRIVATE: u64 = 128;
    let line = fs::read_to_string(format!("/proc/{thread}/syscall")).unwrap_or_default();
    let mut words = line.split(' ');
    let call = words.next().and_then(|word| word.parse().ok());
    let operation = words.nth(1).and_then(|word| word.strip_prefix("0x"));
    let waits = match call {
        Some(libc::SYS_futex) => operation
            .and_then(|word| u64::from_str_radix(word, 16).ok())
            .is_some_and(|operation| operation & PRIVATE == 0),
        Some(libc::SYS_ppoll) => true,
        _ => false,
    };
    // Read last: a thread that is being woken on another processor still has its system call for some
    // time, but its state is running.
    waits && state(thread) == Some('S')
}

/// The letter of the thread's state.
fn state(thread: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{thread}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
