//! Shared memory as the peer sees it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use arbitrary::Arbitrary;
use multiproc::fuzz_support;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// A write of the peer.
#[derive(Arbitrary, Debug)]
pub(super) struct Scribble {
    at: u16,
    bytes: u8,
    value: Value,
}

#[derive(Arbitrary, Debug)]
enum Value {
    Any(u64),
    Small(u8),
    Near(i8),
    Flipped(u8),
    /// The value at another offset.
    Copied(u16),
    /// A lock's word as if this thread held it, with flags.
    Ours(u8),
}

/// Memory as a file, and its first contents.
pub(super) struct Memory {
    file: File,
    first: Vec<u8>,
}

impl Memory {
    pub(super) fn of(value: &(impl Serialize + DeserializeOwned)) -> Self {
        let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(value)).unwrap();
        let file = File::from(fd);
        let mut first = vec![0; file.metadata().unwrap().len() as usize];
        file.read_exact_at(&mut first, 0).unwrap();
        Memory { file, first }
    }

    /// A descriptor to attach.
    pub(super) fn descriptor(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// The offset for `at`, at which `bytes` fit.
    fn offset(&self, at: u16, bytes: usize) -> u64 {
        (usize::from(at) % (self.first.len() - bytes + 1)) as u64
    }

    fn number(&self, offset: u64, bytes: usize) -> u64 {
        let mut number = [0; 8];
        self.file.read_exact_at(&mut number[..bytes], offset).unwrap();
        u64::from_ne_bytes(number)
    }

    pub(super) fn scribble(&self, scribble: &Scribble) {
        let bytes = usize::from(scribble.bytes % 8) + 1;
        let mut offset = self.offset(scribble.at, bytes);
        // An aligned word.
        if bytes == 4 || bytes == 8 {
            offset -= offset % bytes as u64;
        }
        let value = match scribble.value {
            Value::Any(value) => value,
            Value::Small(value) => value.into(),
            Value::Near(by) => self.number(offset, bytes).wrapping_add_signed(by.into()),
            Value::Flipped(bit) => self.number(offset, bytes) ^ 1 << (bit % 64),
            Value::Copied(from) => self.number(self.offset(from, bytes), bytes),
            Value::Ours(flags) => {
                let thread = rustix::thread::gettid().as_raw_nonzero().get();
                thread as u64 | u64::from(flags % 4) << 30
            }
        };
        self.file.write_all_at(&value.to_ne_bytes()[..bytes], offset).unwrap();
    }

    pub(super) fn restore(&self) {
        self.file.write_all_at(&self.first, 0).unwrap();
    }
}
