//! Who sleeps, as /proc has it.

use std::fs;

/// Whether the thread that /proc has there sleeps in a wait of this crate, and nobody has woken it: on
/// a futex that processes share (those of std's channels and locks are private ones), or on a
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
    // Asked last: one that is being woken on another processor still shows its call for a moment, but
    // is running here.
    waits && state(thread) == Some('S')
}

/// The letter of its state.
fn state(thread: &str) -> Option<char> {
    let stat = fs::read_to_string(format!("/proc/{thread}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.chars().next()
}
