//! Many elements of a shared array at once, at the speed of a copy.

use std::mem::MaybeUninit;
use std::ops::{Bound, RangeBounds};

use crate::error::IndexOutOfRange;
use crate::ipc::shared_array::SharedArray;
use crate::sync::element::{self, Element};

impl<T: Element> SharedArray<T> {
    /// The elements, each read once.
    pub fn to_vec(&self) -> Vec<T> {
        let mut elements = Vec::with_capacity(self.len());
        element::get_all(self.atoms(), &mut elements.spare_capacity_mut()[..self.len()]);
        // SAFETY: so many were read into it.
        unsafe { elements.set_len(self.len()) };
        elements
    }

    /// Reads as many elements as `into` has, from `start` on.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`] when there are not so many; nothing is read then.
    pub fn copy_to_slice(&self, start: usize, into: &mut [T]) -> Result<(), IndexOutOfRange> {
        let atoms = self.range(start, into.len())?;
        // SAFETY: as many elements; elements are read into it.
        let into = unsafe { &mut *(std::ptr::from_mut(into) as *mut [MaybeUninit<T>]) };
        element::get_all(atoms, into);
        Ok(())
    }

    /// Writes these elements, from `start` on. The array keeps its length.
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`] when there are not so many; nothing is written then.
    pub fn write_slice(&self, start: usize, from: &[T]) -> Result<(), IndexOutOfRange> {
        element::set_all(self.range(start, from.len())?, from);
        Ok(())
    }

    /// Writes `value` into each element of a range: `array.fill(.., 0)` clears the array.
    ///
    /// ```
    /// let array = multiproc::SharedArray::new(&[1, 2, 3, 4])?;
    /// array.fill(1..3, 9)?;
    /// assert_eq!(array.to_vec(), [1, 9, 9, 4]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`IndexOutOfRange`] when there are not so many elements; nothing is written then.
    pub fn fill(&self, range: impl RangeBounds<usize>, value: T) -> Result<(), IndexOutOfRange> {
        let start = match range.start_bound() {
            Bound::Included(&first) => first,
            Bound::Excluded(&before) => before.saturating_add(1),
            Bound::Unbounded => 0,
        };
        let end = match range.end_bound() {
            Bound::Included(&last) => last.saturating_add(1),
            Bound::Excluded(&end) => end,
            Bound::Unbounded => self.len().max(start),
        };
        let atoms = self.range(start, end.saturating_sub(start))?;
        // As many at a time as make the copies of them cost next to nothing.
        const MANY: usize = 1024;
        if atoms.len() < MANY {
            atoms.iter().for_each(|atom| element::set(atom, value));
        } else {
            let values = [value; MANY];
            atoms.chunks(MANY).for_each(|atoms| element::set_all(atoms, &values));
        }
        Ok(())
    }
}
