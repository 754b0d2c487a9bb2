//! What /proc tells of a process in one line.

use std::fmt::Display;

use crate::sys::read_file;

/// The kernel's flag of a thread that is on its last steps.
const PF_EXITING: u32 = 4;

/// What the `stat` file of a process, or of a thread, tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) pid: u32,
    pub(crate) state: u8,
    flags: u32,
    /// With its first, which stays as long as the others do.
    pub(crate) threads: u32,
    /// In clock ticks since the machine was booted.
    pub(crate) start: u64,
}

#[cfg_attr(modelled, allow(dead_code, reason = "a model's processes are threads"))]
impl Stat {
    /// Of a process by its number, or of what else has a folder in /proc.
    pub(crate) fn read(process: impl Display) -> Option<Self> {
        Self::parse(&read_file(&format!("/proc/{process}/stat")).ok()?)
    }

    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        // "7 (name) S 1 …": the name may be any bytes, also spaces and parentheses.
        let pid = text.split(|&byte| byte == b' ').next()?;
        let name_ends = text.iter().rposition(|&byte| byte == b')')?;
        let mut fields = str::from_utf8(&text[name_ends + 1..]).ok()?.split_ascii_whitespace();
        Some(Stat {
            pid: str::from_utf8(pid).ok()?.parse().ok()?,
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
            let stat = Stat { pid: 7, state: b'S', flags: 4194304, threads: 1, start: 91843 };
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
