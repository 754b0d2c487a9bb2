//! A number in an atomic of loom's.

use crate::sys::Atomic;

#[derive(Debug)]
pub(crate) struct Number<T: Atomic>(T::Atom);

impl<T: Atomic> Number<T> {
    pub(crate) fn new(value: T) -> Self {
        Number(value.atom())
    }

    pub(crate) fn atom(&self) -> &T::Atom {
        &self.0
    }
}
