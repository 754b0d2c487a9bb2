//! How a type lies in memory, as a number.

use crate::shm::process_safe::ProcessSafe;

/// How a type lies in memory: its size, its alignment, and of each part the name, the place and the
/// part's own layout. Two programs that share a value must have the same: see
/// [`ProcessSafe::LAYOUT`].
///
/// It is 64 bits of a hash (FNV-1a), which guards against mistakes, not against malice.
///
/// ```
/// use std::mem::offset_of;
///
/// use multiproc::{Layout, ProcessSafe};
///
/// #[repr(C)]
/// struct Pair<T>(T, u32);
///
/// // SAFETY: repr(C), both parts are ProcessSafe, and both are settled.
/// unsafe impl<T: ProcessSafe> ProcessSafe for Pair<T> {
///     const PINNED: bool = T::PINNED;
///     const LAYOUT: Layout = Layout::of::<Self>()
///         .part::<T>("0", offset_of!(Self, 0))
///         .part::<u32>("1", offset_of!(Self, 1));
///
///     unsafe fn settle(&mut self) {
///         // SAFETY: the caller's promise for the whole holds for the parts.
///         unsafe {
///             self.0.settle();
///             self.1.settle();
///         }
///     }
/// }
/// assert_ne!(Pair::<u64>::LAYOUT, Pair::<f64>::LAYOUT);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Layout(u64);

impl Layout {
    /// Of what is known of any type: its size and its alignment.
    pub const fn of<T>() -> Self {
        Layout(0xcbf2_9ce4_8422_2325).number(size_of::<T>()).number(align_of::<T>())
    }

    /// With the name of the type itself, for one whose parts are nobody else's business: types of
    /// equal size and alignment are then told apart by it.
    pub const fn named(self, name: &str) -> Self {
        self.number(name.len()).bytes(name.as_bytes())
    }

    /// With a part of type `T`, of that name, which lies that many bytes from the beginning
    /// ([`offset_of!`](std::mem::offset_of)).
    pub const fn part<T: ProcessSafe>(self, name: &str, offset: usize) -> Self {
        self.named(name).number(offset).bytes(&T::LAYOUT.0.to_le_bytes())
    }

    pub(super) const fn to_number(self) -> u64 {
        self.0
    }

    const fn number(self, number: usize) -> Self {
        self.bytes(&(number as u64).to_le_bytes())
    }

    const fn bytes(self, bytes: &[u8]) -> Self {
        let (mut hash, mut i) = (self.0, 0);
        while i < bytes.len() {
            hash = (hash ^ bytes[i] as u64).wrapping_mul(0x0100_0000_01b3);
            i += 1;
        }
        Layout(hash)
    }
}
