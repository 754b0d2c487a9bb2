//! Where a child's standard streams lead.

use std::fs::File;
use std::io::{PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::{CWD, Mode, OFlags, openat};
use rustix::io::{Errno, fcntl_dupfd_cloexec, retry_on_intr};

use crate::error::Error;
use crate::sys::{descriptor, descriptors};

/// Where one of a child's standard streams leads: see [`ProcessBuilder::stdout`].
///
/// [`std::process::Stdio`] says the same, but does not tell what it is; and this one is `Clone`, as a
/// builder is.
///
/// [`ProcessBuilder::stdout`]: crate::ProcessBuilder::stdout
///
/// ```
/// use multiproc::{Process, process::Stdio};
///
/// let log = std::fs::File::options().append(true).open("/dev/null")?;
/// let builder = Process::builder().stdout(log).stderr(Stdio::Null).stdin(Stdio::Null);
/// builder.spawn(|()| println!("to the file"), ())?.join()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum Stdio {
    /// Where the parent's leads.
    #[default]
    Inherit,
    /// Nowhere: what is written is thrown away, and there is nothing to read.
    Null,
    /// To the parent, by a pipe of which this process gets the other end: see
    /// [`Process::take_stdout`](crate::Process::take_stdout).
    Piped,
    /// To this file, or whatever else the descriptor is of.
    Descriptor(Arc<OwnedFd>),
}

impl From<OwnedFd> for Stdio {
    fn from(fd: OwnedFd) -> Self {
        Stdio::Descriptor(Arc::new(fd))
    }
}

impl From<File> for Stdio {
    fn from(file: File) -> Self {
        OwnedFd::from(file).into()
    }
}

/// For a standard input that another process or thread writes.
impl From<PipeReader> for Stdio {
    fn from(end: PipeReader) -> Self {
        OwnedFd::from(end).into()
    }
}

/// For a standard output or error that another process or thread reads.
impl From<PipeWriter> for Stdio {
    fn from(end: PipeWriter) -> Self {
        OwnedFd::from(end).into()
    }
}

/// The two sides of one stream of a child to be.
#[derive(Debug, Default)]
pub(super) struct Sides {
    /// What the child is to have; `None` where it has its parent's.
    pub(super) child: Option<OwnedFd>,
    /// The other end of a pipe.
    pub(super) parent: Option<OwnedFd>,
}

impl Stdio {
    /// Opens what is to be the child's, under numbers that are no standard stream's: so none of them is
    /// overwritten when the child puts them in place.
    pub(super) fn open(&self, is_input: bool) -> Result<Sides, Error> {
        match self {
            Stdio::Inherit => Ok(Sides::default()),
            Stdio::Null => {
                let flags = OFlags::RDWR | OFlags::CLOEXEC;
                let open = || retry_on_intr(|| openat(CWD, NULL, flags, Mode::empty()));
                let null = descriptor(open).map_err(|errno| Error::os("open /dev/null", errno))?;
                Ok(Sides { child: Some(null), parent: None })
            }
            Stdio::Piped => {
                let [reader, writer] =
                    descriptors(pipe).map_err(|errno| Error::os("pipe2", errno))?;
                let (child, parent) = if is_input { (reader, writer) } else { (writer, reader) };
                Ok(Sides { child: Some(child), parent: Some(parent) })
            }
            Stdio::Descriptor(fd) => {
                let copy = fcntl_dupfd_cloexec(fd, 3)
                    .map_err(|errno| Error::os("fcntl (F_DUPFD_CLOEXEC)", errno))?;
                Ok(Sides { child: Some(copy), parent: None })
            }
        }
    }
}

const NULL: &str = "/dev/null";

fn pipe() -> Result<[OwnedFd; 2], Errno> {
    match std::io::pipe() {
        Ok((reader, writer)) => Ok([reader.into(), writer.into()]),
        Err(error) => Err(Errno::from_io_error(&error).unwrap_or(Errno::INVAL)),
    }
}
