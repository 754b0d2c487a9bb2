//! Memory as the peer sees it.

use std::fs::File;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileExt;

use arbitrary::Arbitrary;
use multiproc::fuzz_support;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// What is written, and where.
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
    /// What stands elsewhere.
    Copied(u16),
    /// A lock's word: this thread holds it, with marks.
    Ours(u8),
}

/// Memory as a file, with what was in it at first.
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

    /// For another that comes to it.
    pub(super) fn descriptor(&self) -> OwnedFd {
        self.file.try_clone().unwrap().into()
    }

    /// Where `at` is, such that `bytes` fit behind it.
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
        // A whole number, where there is one.
        if bytes == 4 || bytes == 8 {
            offset -= offset % bytes as u64;
        }
        let value = match scribble.value {
            Value::Any(value) => value,
            Value::Small(value) => value.into(),
            Value::Near(by) => self.number(offset, bytes).wrapping_add_signed(by.into()),
            Value::Flipped(bit) => self.number(offset, bytes) ^ 1 << (bit % 64),
            Value::Copied(from) => self.number(self.offset(from, bytes), bytes),
            Value::Ours(marks) => {
                let thread = rustix::thread::gettid().as_raw_nonzero().get();
                thread as u64 | u64::from(marks % 4) << 30
            }
        };
        self.file.write_all_at(&value.to_ne_bytes()[..bytes], offset).unwrap();
    }

    pub(super) fn restore(&self) {
        self.file.write_all_at(&self.first, 0).unwrap();
    }
}
