//! Where a ring lies in its mapping.
//!
//! ```text
//! sides    its limits, and each side's words, on cache lines that only one side writes
//! slots    a power of two of them: where each message begins, and how long it is
//! granules eight bytes each: the messages, one after the other, round and round
//! ```
//!
//! Nothing here is believed: what is read is a number, and is checked before it is used.

use crate::error::{Error, LayoutProblem};
use crate::shm::Mapping;
use crate::sync::RawLock;
use crate::sys::{
    ATOMICS_NEED_DROP, AdaptiveSpin, AtomicU32, AtomicU64, Futex, Granule, Ordering::Relaxed,
};

/// Bytes of a [`Granule`].
pub(crate) const GRANULE: usize = 8;

/// What one side writes lies this far from what the other does: processors fetch lines in pairs.
#[repr(C, align(64))]
#[derive(Debug)]
pub(crate) struct Line<T>(T, [u8; 64]);

impl<T> std::ops::Deref for Line<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// What the producers share among themselves.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Producers {
    pub(crate) lock: RawLock,
    /// The consumers' progress as last seen: a count, and where its message begins. One number,
    /// so that it is whole whoever is killed.
    pub(crate) seen: AtomicU64,
    pub(crate) adaptive_spin: AdaptiveSpin,
}

/// What the consumers share among themselves.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Consumers {
    pub(crate) lock: RawLock,
    /// The producers' progress as last seen.
    pub(crate) seen: AtomicU32,
    pub(crate) adaptive_spin: AdaptiveSpin,
}

/// Everything but the messages.
#[repr(C)]
#[derive(Debug)]
pub(crate) struct Sides {
    /// What the ring was made with; read once, by those who attach.
    messages: AtomicU64,
    bytes: AtomicU64,
    pub(crate) tail: Line<Futex>,
    pub(crate) producers: Line<Producers>,
    pub(crate) head: Line<Futex>,
    pub(crate) consumers: Line<Consumers>,
    /// How many messages are done with: what a queue's `task_done` counts.
    pub(crate) done: Line<Futex>,
}

/// A ring's memory, with its limits as this process knows them.
#[derive(Debug)]
pub(crate) struct RingMemory {
    mapping: Mapping,
    /// Messages that it may hold.
    pub(crate) capacity: u32,
    /// Granules that it has for them.
    pub(crate) granules: u32,
    /// One less than there are slots.
    mask: u32,
}

impl RingMemory {
    /// The most messages that a ring may hold: the words count to four times as many.
    pub(crate) const MAX_MESSAGES: usize = 1 << 28;
    /// The most bytes: a slot has 32 bits to say where and how long.
    pub(crate) const MAX_BYTES: usize = u32::MAX as usize / GRANULE * GRANULE;

    /// Makes room for `messages` messages of `bytes` bytes together.
    pub(crate) fn new(messages: usize, bytes: usize, stamp: u64) -> Result<Self, Error> {
        let (capacity, granules) = Self::limits(messages, bytes)?;
        let mapping = Mapping::new(Self::size(capacity, granules), stamp)?;
        let mask = capacity.next_power_of_two() - 1;
        let memory = RingMemory { mapping, capacity, granules, mask };
        memory.place();
        Ok(memory)
    }

    /// The ring that lies in a mapping that was handed over.
    pub(crate) fn attach(mapping: Mapping) -> Result<Self, Error> {
        let wrong = || Error::Layout(LayoutProblem::Size);
        if mapping.len() < size_of::<Sides>() {
            return Err(wrong());
        }
        // SAFETY: as long as that, and aligned; atomics, any bits of which are numbers.
        let sides = unsafe { mapping.contents().cast::<Sides>().as_ref() };
        // Relaxed: written before the mapping was handed over.
        let (messages, bytes) = (sides.messages.load(Relaxed), sides.bytes.load(Relaxed));
        let (capacity, granules) = Self::limits(messages as usize, bytes as usize)?;
        if mapping.len() != Self::size(capacity, granules) {
            return Err(wrong());
        }
        let mask = capacity.next_power_of_two() - 1;
        Ok(RingMemory { mapping, capacity, granules, mask })
    }

    /// Messages and granules, if there can be so many.
    fn limits(messages: usize, bytes: usize) -> Result<(u32, u32), Error> {
        let within = |what, asked, max| {
            if asked == 0 || asked > max {
                return Err(Error::Capacity { what, asked, max });
            }
            Ok(asked as u32)
        };
        let capacity = within("a queue capacity in messages", messages, Self::MAX_MESSAGES)?;
        let bytes = within("a queue capacity in bytes", bytes, Self::MAX_BYTES)?;
        Ok((capacity, bytes.div_ceil(GRANULE as u32)))
    }

    /// The whole, in bytes.
    fn size(capacity: u32, granules: u32) -> usize {
        let granules = capacity.next_power_of_two() as usize + granules as usize;
        size_of::<Sides>() + granules * size_of::<Granule>()
    }

    /// Writes what a ring begins with.
    fn place(&self) {
        let line = |value| Line(value, [0; 64]);
        let mut producers = Producers {
            lock: RawLock::new(),
            seen: AtomicU64::new(0),
            adaptive_spin: AdaptiveSpin::new(),
        };
        let mut consumers = Consumers {
            lock: RawLock::new(),
            seen: AtomicU32::new(0),
            adaptive_spin: AdaptiveSpin::new(),
        };
        // SAFETY: they are on their way to the mapping, where they stay; it is not unmapped while
        // a thread here holds a lock in it.
        unsafe {
            producers.lock.settle();
            consumers.lock.settle();
        }
        let sides = Sides {
            messages: AtomicU64::new(u64::from(self.capacity)),
            bytes: AtomicU64::new(self.bytes() as u64),
            tail: line(Futex::new(0)),
            producers: Line(producers, [0; 64]),
            head: line(Futex::new(0)),
            consumers: Line(consumers, [0; 64]),
            done: line(Futex::new(0)),
        };
        // SAFETY: the mapping was made this large, and nobody else knows of it yet. The granules
        // are zero already, which is what they begin with.
        unsafe {
            self.mapping.contents().cast::<Sides>().write(sides);
            if ATOMICS_NEED_DROP {
                let first = self.mapping.contents().add(size_of::<Sides>()).cast::<Granule>();
                for i in 0..self.mask as usize + 1 + self.granules as usize {
                    first.add(i).write(Granule::new());
                }
            }
        }
        // The slot before the first: its message ends where the first begins, at 0.
        self.slot(u32::MAX).write(u64::from(self.granules - 1));
    }

    #[inline]
    pub(crate) fn sides(&self) -> &Sides {
        // SAFETY: written by `place`, mapped as long as `self`; atomics, any bits of which are
        // numbers, so that nothing a peer writes is undefined.
        unsafe { self.mapping.contents().cast().as_ref() }
    }

    /// Slots and granules: the slot of message `count`, and the granule `index`.
    #[inline]
    fn cells(&self) -> *const Granule {
        // SAFETY: the mapping is larger than the sides.
        unsafe { self.mapping.contents().add(size_of::<Sides>()).cast().as_ptr() }
    }

    /// The slot of message number `count`.
    #[inline]
    pub(crate) fn slot(&self, count: u32) -> &Granule {
        // SAFETY: the mask keeps it among the slots; an atomic number, as in `sides`.
        unsafe { &*self.cells().add((count & self.mask) as usize) }
    }

    /// `count` granules from `start` on.
    ///
    /// # Panics
    /// When there are not so many.
    #[inline]
    pub(crate) fn granules(&self, start: u32, count: u32) -> &[Granule] {
        assert!(start <= self.granules && count <= self.granules - start, "checked by the ring");
        // SAFETY: there are so many (just checked), behind the slots; atomics, as in `sides`.
        unsafe {
            let first = self.cells().add(self.mask as usize + 1 + start as usize);
            std::slice::from_raw_parts(first, count as usize)
        }
    }

    /// The bytes that messages may have together: whole granules of them.
    pub(crate) fn bytes(&self) -> usize {
        self.granules as usize * GRANULE
    }

    pub(crate) fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

impl Drop for RingMemory {
    fn drop(&mut self) {
        if !ATOMICS_NEED_DROP {
            return;
        }
        // SAFETY: `place` has made them, and this is the last that reaches them.
        unsafe {
            let cells = self.cells().cast_mut();
            for i in 0..self.mask as usize + 1 + self.granules as usize {
                cells.add(i).drop_in_place();
            }
            self.mapping.contents().cast::<Sides>().drop_in_place();
        }
    }
}
