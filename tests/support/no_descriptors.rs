//! A process that has no descriptor left.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// No descriptors are left until it is dropped, beside those that are open.
pub(crate) struct NoDescriptors(Rlimit);

impl NoDescriptors {
    pub(crate) fn begin() -> Self {
        let before = getrlimit(Resource::Nofile);
        let none = Rlimit { current: Some(3), maximum: before.maximum };
        setrlimit(Resource::Nofile, none).unwrap();
        NoDescriptors(before)
    }
}

impl Drop for NoDescriptors {
    fn drop(&mut self) {
        setrlimit(Resource::Nofile, self.0).unwrap();
    }
}
