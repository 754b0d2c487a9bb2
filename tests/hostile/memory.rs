//! Shared memory, as a hostile peer sees it.

use std::fs;
use std::os::unix::process::parent_id;

use rand::Rng;
use rand::rngs::StdRng;

/// The bytes at the start of a mapping in which all that is more than messages lies.
const REACH: usize = 1200;

/// A shared mapping of this process, and a snapshot of its contents.
pub(crate) struct Memory {
    start: usize,
    snapshot: Vec<u8>,
}

impl Memory {
    /// All shared mappings of this process, except that of `spared`.
    pub(crate) fn all_but<T>(spared: &T) -> Vec<Self> {
        let spared = std::ptr::from_ref(spared).addr();
        let maps = fs::read_to_string("/proc/self/maps").unwrap();
        let ours = maps.lines().filter(|line| line.ends_with("/memfd:multiproc (deleted)"));
        let ranges = ours.map(|line| {
            let (range, _) = line.split_once(' ').unwrap();
            let (start, end) = range.split_once('-').unwrap();
            let number = |text| usize::from_str_radix(text, 16).unwrap();
            number(start)..number(end)
        });
        let ranges = ranges.filter(|range| !range.contains(&spared));
        ranges.map(|range| Memory::new(range.start)).collect()
    }

    fn new(start: usize) -> Self {
        let mut memory = Memory { start, snapshot: Vec::new() };
        memory.snapshot = (0..REACH).map(|at| memory.read(at)).collect();
        memory
    }

    fn at(&self, offset: usize) -> *mut u8 {
        assert!(offset < REACH);
        std::ptr::with_exposed_provenance_mut(self.start + offset)
    }

    fn read(&self, offset: usize) -> u8 {
        // SAFETY: a byte of a mapping, which is a page at least and is never unmapped.
        unsafe { self.at(offset).read_volatile() }
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        let at = self.at(offset);
        assert!(offset + bytes.len() <= REACH);
        // SAFETY: within a mapping, as in `read`. An aligned word is one store, so that others see a
        // whole number.
        unsafe {
            match bytes.len() {
                4 if offset.is_multiple_of(4) => {
                    at.cast::<[u8; 4]>().write_volatile(bytes.try_into().unwrap());
                }
                8 if offset.is_multiple_of(8) => {
                    let number = u64::from_ne_bytes(bytes.try_into().unwrap());
                    at.cast::<u64>().write_volatile(number);
                }
                _ => (0..).zip(bytes).for_each(|(i, &byte)| at.add(i).write_volatile(byte)),
            }
        }
    }

    /// Writes the snapshot back.
    pub(crate) fn restore(&self) {
        self.snapshot.chunks(8).enumerate().for_each(|(i, bytes)| self.write(i * 8, bytes));
    }

    /// Writes a random value at a random offset: any, or more often one that is nearly valid.
    pub(crate) fn scribble(&self, rng: &mut StdRng) {
        if rng.random_bool(0.3) {
            let bytes: [u8; 8] = rng.random();
            let count = rng.random_range(1..=8);
            return self.write(rng.random_range(0..REACH - 8), &bytes[..count]);
        }
        let size = if rng.random_bool(0.7) { 4 } else { 8 };
        let place = |rng: &mut StdRng| rng.random_range(0..REACH / size) * size;
        let number = |at| (0..size).rev().fold(0, |sum, i| sum << 8 | u64::from(self.read(at + i)));
        let at = place(rng);
        let value: u64 = match rng.random_range(0..7) {
            0 => rng.random_range(0..64),
            1 => rng.random_range(0..64u64).wrapping_neg(),
            2 => number(at).wrapping_add(rng.random_range(0..16)).wrapping_sub(8),
            3 => number(at) ^ 1 << rng.random_range(0..8 * size),
            4 => number(place(rng)),
            5 => rng.random(),
            // A lock's owner, with and without flags: this process and thread, one that lives, one that
            // does not.
            _ => {
                let owner =
                    [std::process::id(), parent_id(), 1, 0x3fff_fff0][rng.random_range(0..4)];
                u64::from(owner) | rng.random_range(0..4) << 30
            }
        };
        self.write(at, &value.to_ne_bytes()[..size]);
    }
}
