//! A child that writes a false outcome for its parent.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

use multiproc::ProcessError;

use crate::{ended, start};

/// Writes `bytes` where the parent will read the outcome, extends that to `size`, and exits.
fn write_outcome((bytes, size): (Vec<u8>, Option<u64>)) -> Vec<u32> {
    let page = page();
    page.set_len(0).unwrap();
    page.write_all_at(&bytes, 0).unwrap();
    if let Some(size) = size {
        page.set_len(size).unwrap();
    }
    // SAFETY: it ends the process, which needs nothing any more.
    unsafe { libc::_exit(0) }
}

/// The page that this child and its parent share.
fn page() -> File {
    let names = |link: &fs::DirEntry| {
        fs::read_link(link.path())
            .is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:multiproc-child"))
    };
    let link = fs::read_dir("/proc/self/fd").unwrap().flatten().find(names);
    OpenOptions::new().write(true).open(link.expect("every child has one").path()).unwrap()
}

fn outcome_of(bytes: &[u8], size: Option<u64>) -> Result<Vec<u32>, ProcessError> {
    ended(&start(write_outcome, (bytes.to_vec(), size)))
}

#[test]
fn a_false_outcome_of_a_child_is_an_error_in_its_parent() {
    let valid = [b"returned".as_slice(), &[2, 7, 8]].concat();
    assert_eq!(outcome_of(&valid, None).unwrap(), [7, 8]);

    // Sizes larger than any memory, and a list with a length larger than that.
    for size in [1 << 40, 1 << 50, i64::MAX as u64] {
        let refused = outcome_of(&valid, Some(size)).unwrap_err();
        assert!(matches!(refused, ProcessError::Decode(_)), "{refused}");
    }
    let endless = [b"returned".as_slice(), &[0xff; 9], &[1]].concat();
    assert!(matches!(outcome_of(&endless, None), Err(ProcessError::Decode(_))));
    assert!(matches!(outcome_of(b"panicked\xff\xff\xff\xff", None), Err(ProcessError::Exited(0))));
    assert!(matches!(outcome_of(b"not read\xff", None), Err(ProcessError::Argument(_))));
    assert!(matches!(outcome_of(b"nothing ", None), Err(ProcessError::Exited(0))));
    assert!(matches!(outcome_of(b"", None), Err(ProcessError::Exited(0))));
}
