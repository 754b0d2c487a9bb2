//! The resources of a process, counted to detect leaks.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::verdict::Verdict;

/// How long a thread that has ended may still be counted.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The resources of the running process.
#[derive(Clone, Copy, Debug)]
pub(super) struct Resources {
    descriptors: usize,
    threads: usize,
    /// 1 if there is any, zombies included.
    children: usize,
    /// Mappings of unnamed memory, which processes share.
    mappings: usize,
}

impl Resources {
    pub(super) fn count() -> Result<Self> {
        let entries = |path| Ok::<_, std::io::Error>(fs::read_dir(path)?.count());
        let read = |path| fs::read_to_string(path);
        let count = || {
            Ok::<_, std::io::Error>(Resources {
                descriptors: entries("/proc/self/fd")?,
                threads: entries("/proc/self/task")?,
                children: usize::from(has_child()),
                mappings: read("/proc/self/maps")?.matches("/memfd:").count(),
            })
        };
        count().context("counting what this process has")
    }

    /// The verdict, with a failed claim for each resource of which there are more than `before`.
    pub(super) fn left_since(before: Self, verdict: Verdict) -> Result<Verdict> {
        // A thread that was joined may be counted for some time longer.
        let deadline = Instant::now() + TIMEOUT;
        let mut more = Self::count()?.more_than(before);
        while !more.is_empty() && Instant::now() < deadline {
            thread::park_timeout(Duration::from_millis(1));
            more = Self::count()?.more_than(before);
        }
        Ok(more.into_iter().fold(verdict, |verdict, left| verdict.claim(left, false)))
    }

    /// Descriptions of the resources of which there are more.
    fn more_than(self, before: Self) -> Vec<String> {
        let counts = [
            ("descriptors", before.descriptors, self.descriptors),
            ("threads", before.threads, self.threads),
            ("children", before.children, self.children),
            ("mappings", before.mappings, self.mappings),
        ];
        let more = counts.into_iter().filter(|(_, before, now)| now > before);
        more.map(|(what, before, now)| format!("{what}: {before} before, {now} after")).collect()
    }
}

fn has_child() -> bool {
    // Whatever has ended stays to be waited for.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::All, look), Err(Errno::CHILD))
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn what_is_left_is_named() {
        let before = Resources::count().unwrap();
        assert!(before.more_than(before).is_empty());

        // Threads come and go here with other tests.
        let file = File::open("/dev/null").unwrap();
        let more = Resources::count().unwrap().more_than(before);
        assert!(more.iter().any(|left| left.starts_with("descriptors: ")), "{more:?}");

        drop(file);
        let good = Verdict::new().claim("it goes", true);
        assert!(Resources::left_since(before, good).unwrap().holds());
    }
}
