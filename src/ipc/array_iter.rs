//! The elements of a shared array, one after the other.

use std::fmt;
use std::iter::FusedIterator;
use std::slice;

use crate::ipc::element::{self, Element};
use crate::ipc::shared_array::SharedArray;

/// The elements of a [`SharedArray`], each read when its turn comes. Made by
/// [`SharedArray::iter`] and by `for`.
///
/// ```
/// let array = multiproc::SharedArray::new(&[1, 2, 3])?;
/// let mut sum = 0;
/// for element in &array {
///     sum += element;
/// }
/// assert_eq!(sum, 6);
/// assert!(array.iter().rev().eq([3, 2, 1]));
/// # Ok::<(), multiproc::Error>(())
/// ```
#[must_use = "no element is read until it is asked for"]
pub struct ArrayIter<'a, T: Element>(slice::Iter<'a, T::Atom>);

impl<'a, T: Element> ArrayIter<'a, T> {
    pub(super) fn over(atoms: &'a [T::Atom]) -> Self {
        ArrayIter(atoms.iter())
    }
}

impl<T: Element> Iterator for ArrayIter<'_, T> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        self.0.next().map(element::get)
    }

    #[inline]
    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }

    /// Those that are left out are not read.
    #[inline]
    fn nth(&mut self, n: usize) -> Option<T> {
        self.0.nth(n).map(element::get)
    }
}

impl<T: Element> DoubleEndedIterator for ArrayIter<'_, T> {
    #[inline]
    fn next_back(&mut self) -> Option<T> {
        self.0.next_back().map(element::get)
    }
}

impl<T: Element> ExactSizeIterator for ArrayIter<'_, T> {}

impl<T: Element> FusedIterator for ArrayIter<'_, T> {}

impl<T: Element> Clone for ArrayIter<'_, T> {
    fn clone(&self) -> Self {
        ArrayIter(self.0.clone())
    }
}

/// Shows the elements that are left.
impl<T: Element + fmt::Debug> fmt::Debug for ArrayIter<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.clone()).finish()
    }
}

impl<'a, T: Element> IntoIterator for &'a SharedArray<T> {
    type Item = T;
    type IntoIter = ArrayIter<'a, T>;

    fn into_iter(self) -> ArrayIter<'a, T> {
        self.iter()
    }
}
