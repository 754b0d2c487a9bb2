//! Files of the program, each for one test.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, PoisonError};

use rustix::fs::{StatVfsMountFlags, XattrFlags, setxattr, statvfs};

/// Held while a program's file is written, and while a process is started: which for a moment has all
/// that is open here, and what is open for writing cannot be run.
static WRITES_OR_STARTS: Mutex<()> = Mutex::new(());

pub(crate) fn write_or_start<R>(f: impl FnOnce() -> R) -> R {
    // Nothing is half changed by a test that fails.
    let _one_at_a_time = WRITES_OR_STARTS.lock().unwrap_or_else(PoisonError::into_inner);
    f()
}

/// Runs it to its end, with what it says.
pub(crate) fn output_of(command: &mut Command) -> io::Result<Output> {
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    write_or_start(|| command.spawn())?.wait_with_output()
}

/// A copy of the program, in a folder of its own; gone when dropped.
pub(crate) struct File {
    folder: PathBuf,
    path: PathBuf,
}

impl File {
    /// In the folder for what tests leave.
    pub(crate) fn copy() -> Self {
        Self::copy_into(Path::new(env!("CARGO_TARGET_TMPDIR")))
    }

    /// Where every user finds it, and where a file's additional rights count; `None` if there is
    /// no such place.
    pub(crate) fn for_all_users() -> Option<Self> {
        let folder = std::env::temp_dir();
        let flags = statvfs(&folder).ok()?.f_flag;
        let useless = StatVfsMountFlags::NOSUID | StatVfsMountFlags::NOEXEC;
        (!flags.intersects(useless)).then(|| Self::copy_into(&folder))
    }

    fn copy_into(folder: &Path) -> Self {
        let name = std::thread::current().name().unwrap_or("start").replace("::", "-");
        let folder = folder.join(format!("multiproc-{name}-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        // Whatever the umask is.
        fs::set_permissions(&folder, Permissions::from_mode(0o755)).unwrap();
        let path = folder.join("program");
        write_or_start(|| fs::copy("/proc/self/exe", &path)).unwrap();
        let file = File { folder, path };
        file.set_mode(0o755);
        file
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn set_mode(&self, mode: u32) {
        fs::set_permissions(&self.path, Permissions::from_mode(mode)).unwrap();
    }

    /// Lets whoever runs it bind low ports, as `setcap cap_net_bind_service+ep` does; false where
    /// that cannot be.
    pub(crate) fn set_capability(&self) -> bool {
        // capabilities(7), `struct vfs_cap_data`: the second version, effective; permitted and
        // inheritable, of the first 32 and of the others.
        let words: [u32; 5] = [0x0200_0000 | 1, 1 << CAP_NET_BIND_SERVICE, 0, 0, 0];
        let bytes = words.map(u32::to_le_bytes).concat();
        setxattr(&self.path, "security.capability", &bytes, XattrFlags::empty()).is_ok()
    }
}

const CAP_NET_BIND_SERVICE: u32 = 10;

impl Drop for File {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}
