//! What a process has, counted, to see whether something was left behind.

use std::fs;

use anyhow::{Context, Result};
use rustix::io::Errno;
use rustix::process::{WaitId, WaitIdOptions, waitid};

use crate::verdict::Verdict;

/// What the running process has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Belongings {
    descriptors: usize,
    threads: usize,
    /// 1 if there is any, zombies included.
    children: usize,
    /// Mappings of memory without a name, which is what processes share.
    mappings: usize,
}

impl Belongings {
    pub(super) fn count() -> Result<Self> {
        let entries = |path| Ok::<_, std::io::Error>(fs::read_dir(path)?.count());
        let read = |path| fs::read_to_string(path);
        let count = || {
            Ok::<_, std::io::Error>(Belongings {
                descriptors: entries("/proc/self/fd")?,
                threads: entries("/proc/self/task")?,
                children: usize::from(has_child()),
                mappings: read("/proc/self/maps")?.matches("/memfd:").count(),
            })
        };
        count().context("counting what this process has")
    }

    /// The verdict, and against it what there was not `before`.
    pub(super) fn left_since(self, before: Self, verdict: Verdict) -> Verdict {
        let counts = [
            ("descriptors", before.descriptors, self.descriptors),
            ("threads", before.threads, self.threads),
            ("children", before.children, self.children),
            ("mappings", before.mappings, self.mappings),
        ];
        let more = counts.into_iter().filter(|(_, before, after)| after > before);
        more.fold(verdict, |verdict, (what, before, after)| {
            verdict.claim(format!("{what}: {before} before, {after} after"), false)
        })
    }
}

fn has_child() -> bool {
    // Only a look: whatever has ended stays to be waited for.
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    !matches!(waitid(WaitId::All, look), Err(Errno::CHILD))
}
