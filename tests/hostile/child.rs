//! A child that lies to its parent about what it came to.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::FileExt;

use multiproc::ProcessError;

use crate::{ended, start};

/// Writes `bytes` where the parent will look for the outcome, stretches that to `size` and ends.
fn lie((bytes, size): (Vec<u8>, Option<u64>)) -> Vec<u32> {
    let page = page();
    page.set_len(0).unwrap();
    page.write_all_at(&bytes, 0).unwrap();
    if let Some(size) = size {
        page.set_len(size).unwrap();
    }
    // SAFETY: it ends the process, and nothing of it is needed any more.
    unsafe { libc::_exit(0) }
}

/// The page that goes between this child and its parent.
fn page() -> File {
    let names = |link: &fs::DirEntry| {
        fs::read_link(link.path())
            .is_ok_and(|to| to.to_string_lossy().starts_with("/memfd:multiproc-child"))
    };
    let link = fs::read_dir("/proc/self/fd").unwrap().flatten().find(names);
    OpenOptions::new().write(true).open(link.expect("every child has one").path()).unwrap()
}

fn told(bytes: &[u8], size: Option<u64>) -> Result<Vec<u32>, ProcessError> {
    ended(&start(lie, (bytes.to_vec(), size)))
}

#[test]
fn a_child_that_lies_about_its_outcome_harms_nobody() {
    let valid = [b"returned".as_slice(), &[2, 7, 8]].concat();
    assert_eq!(told(&valid, None).unwrap(), [7, 8]);

    // Sizes that nobody has the memory for, and a list that is said to be longer than that.
    for size in [1 << 40, 1 << 50, i64::MAX as u64] {
        let refused = told(&valid, Some(size)).unwrap_err();
        assert!(matches!(refused, ProcessError::Decode(_)), "{refused}");
    }
    let endless = [b"returned".as_slice(), &[0xff; 9], &[1]].concat();
    assert!(matches!(told(&endless, None), Err(ProcessError::Decode(_))));
    assert!(matches!(told(b"panicked\xff\xff\xff\xff", None), Err(ProcessError::Exited(0))));
    assert!(matches!(told(b"not read\xff", None), Err(ProcessError::Argument(_))));
    assert!(matches!(told(b"nothing ", None), Err(ProcessError::Exited(0))));
    assert!(matches!(told(b"", None), Err(ProcessError::Exited(0))));
}
