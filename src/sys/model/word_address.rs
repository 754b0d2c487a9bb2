//! Words that are slept on by their address: a model has none.

use crate::sys::{Deadline, Futex, WordsWait};

/// Where a [`Futex`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct WordAddress;

impl WordAddress {
    pub(crate) const MOST: usize = 128;

    pub(crate) fn of(_: &Futex) -> Self {
        unreachable!("the words of a model have no addresses: wait_any is not modelled")
    }

    pub(crate) fn wait_any(_: &[(WordAddress, u32)], _: Deadline) -> WordsWait {
        unreachable!("no address was made")
    }

    pub(crate) fn is(self, _: u32) -> bool {
        unreachable!("no address was made")
    }

    pub(crate) fn wake_one(self) {
        unreachable!("no address was made")
    }
}
