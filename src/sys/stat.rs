//! What /proc tells of a process in one line.

use std::io;

use crate::sys::{read_proc, read_proc_of};

/// The kernel's flag of a thread that is on its last steps.
const PF_EXITING: u32 = 4;

/// What the `stat` file of a process, or of a thread, tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) state: u8,
    flags: u32,
    /// With its first, which stays as long as the others do.
    pub(crate) threads: u32,
    /// In clock ticks since the machine was booted.
    pub(crate) start: u64,
}

#[cfg_attr(modelled, allow(dead_code, reason = "a model's processes are threads"))]
impl Stat {
    /// Of the running process.
    pub(crate) fn own() -> io::Result<Self> {
        let text = read_proc("/proc/self/stat")?;
        Self::parse(&text).ok_or_else(|| io::ErrorKind::InvalidData.into())
    }

    /// Of the process, or the thread, of that number; `None` where there is none, or /proc does not tell.
    pub(crate) fn of(process: u32) -> Option<Self> {
        Self::parse(&read_proc_of(process, "stat").ok()?)
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        // "7 (name) S 1 …": the name may be any bytes, also spaces and parentheses.
        let name_ends = text.iter().rposition(|&byte| byte == b')')?;
        let mut fields = str::from_utf8(&text[name_ends + 1..]).ok()?.split_ascii_whitespace();
        Some(Stat {
            // The third field, the ninth, the twentieth, and the twenty-second, as proc(5) counts them.
            state: *fields.next()?.as_bytes().first()?,
            flags: fields.nth(5)?.parse().ok()?,
            threads: fields.nth(10)?.parse().ok()?,
            start: fields.nth(1)?.parse().ok()?,
        })
    }

    /// Whether its first thread has ended; others may live on.
    pub(crate) fn is_zombie(&self) -> bool {
        matches!(self.state, b'Z' | b'X')
    }

    /// Whether all its threads have ended, and it only waits for its parent.
    pub(crate) fn is_left_over(&self) -> bool {
        self.is_zombie() && self.threads <= 1
    }

    /// Whether the thread is on its last steps in the kernel, and does not come back to the program.
    pub(crate) fn is_exiting(&self) -> bool {
        self.flags & PF_EXITING != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_be_any_bytes() {
        let rest = b"S 1 7 7 0 -1 4194304 102 0 0 0 1 2 3 4 20 0 1 0 91843 3133440 356";
        for name in [&b"cat"[..], b"a b", b") R 1 2", b"((", b"\xff\n)"] {
            let text = [b"7 (", name, b") ", rest].concat();
            let stat = Stat { state: b'S', flags: 4194304, threads: 1, start: 91843 };
            assert_eq!(Stat::parse(&text), Some(stat), "{name:?}");
        }
        assert_eq!(Stat::parse(b"7 (cat) S 1"), None);
        assert_eq!(Stat::parse(b""), None);
    }

    #[test]
    fn the_flags_tell_who_is_on_its_last_steps() {
        let text =
            |flags| format!("7 (a) S 1 7 7 0 -1 {flags} 102 0 0 0 1 2 3 4 20 0 3 0 91843 31");
        assert!(!Stat::parse(text(64).as_bytes()).unwrap().is_exiting());
        assert!(Stat::parse(text(64 | PF_EXITING).as_bytes()).unwrap().is_exiting());
        assert_eq!(Stat::parse(text(64).as_bytes()).unwrap().threads, 3);
    }
}
