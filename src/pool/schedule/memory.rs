//! Where the schedule lies in its mapping.
//!
//! ```text
//! common   its limits, and the words that all workers read, each on cache lines of its own
//! groups   for each 32 workers, who sleeps and who spins
//! workers  the words of each worker
//! entries  the ring: which task is queued, and under which ticket
//! tasks    each with its words and room for a short message
//! ```
//!
//! Nothing here is believed: what is read is a number, and is checked before it is used.

use std::mem::needs_drop;
use std::ptr::NonNull;
use std::slice;

use crate::error::{Error, LayoutProblem};
use crate::pool::schedule::word::MOST_WORKERS;
use crate::shm::Mapping;
use crate::sys::{AtomicU32, AtomicU64, Futex, Granule, Ordering::Relaxed};

/// Tells this memory from others'.
pub(crate) const STAMP: u64 = u64::from_le_bytes(*b"pooltask");

/// The most tasks: an entry has 16 bits for the index, and a place names two values more.
const MOST_TASKS: usize = 1 << 15;

/// What is written by others lies this far from it: processors fetch lines in pairs.
#[repr(C, align(64))]
#[derive(Debug)]
pub(super) struct Line<T>(pub(super) T, [u8; 64]);

fn line<T>(value: T) -> Line<T> {
    Line(value, [0; 64])
}

#[repr(C)]
#[derive(Debug)]
pub(super) struct Common {
    /// What it was made with; read once, by those who attach.
    limits: [AtomicU32; 3],
    /// Not 0: no more tasks come.
    pub(super) closed: Line<AtomicU32>,
    /// Not 0: more tasks wait than there is room for.
    pub(super) backlog: AtomicU32,
    /// How many entries were ever written to the ring: by the pool's process alone.
    pub(super) tail: Line<AtomicU64>,
    /// How many of them need not be looked at any more.
    pub(super) head: Line<AtomicU64>,
}

/// Of up to 32 workers: who sleeps (the lower half) and who spins (the upper half).
pub(super) type Group = Line<AtomicU64>;

/// The words of a worker.
#[repr(C)]
#[derive(Debug)]
pub(super) struct WorkerWords {
    /// 0 while it may sleep.
    pub(super) wake: Futex,
    /// Not 0: it shall end after the task that it has.
    pub(super) leave: AtomicU32,
    /// How many tasks it has begun.
    pub(super) begun: AtomicU32,
}

/// The words of a task; its short message lies behind them.
#[repr(C)]
#[derive(Debug)]
pub(super) struct TaskWords {
    pub(super) word: Futex,
    /// Not 0: the function was called.
    pub(super) begun: AtomicU32,
    /// When, in milliseconds, where the pool asks for it.
    pub(super) started: AtomicU32,
    /// What the message is.
    pub(super) kind: AtomicU32,
    /// How many bytes the message has.
    pub(super) len: AtomicU64,
    /// How many bytes of the task's room for long messages have memory.
    pub(super) room: AtomicU64,
    /// Which function is to be called, and what knows its types.
    pub(super) function: AtomicU64,
    pub(super) runner: AtomicU64,
}

const WORDS: usize = size_of::<TaskWords>();
const LINE: usize = 64;

/// A schedule's memory, with its limits as this process knows them.
#[derive(Debug)]
pub(super) struct Memory {
    mapping: Mapping,
    pub(super) tasks: u32,
    pub(super) workers: u32,
    /// Granules of a task's short message.
    granules: u32,
    at: Places,
}

/// Where each part begins, and the size of all.
#[derive(Debug)]
struct Places {
    groups: usize,
    workers: usize,
    entries: usize,
    tasks: usize,
    /// From one task to the next.
    stride: usize,
    end: usize,
}

impl Places {
    fn new(tasks: u32, workers: u32, granules: u32) -> Self {
        let (tasks_len, workers_len) = (tasks as usize, workers as usize);
        let groups = size_of::<Common>().next_multiple_of(align_of::<Group>());
        let workers_at = groups + workers_len.div_ceil(32) * size_of::<Group>();
        let entries = workers_at + workers_len * size_of::<Line<WorkerWords>>();
        let entries_end = entries + tasks_len * 2 * size_of::<AtomicU32>();
        let tasks_at = entries_end.next_multiple_of(LINE);
        let stride = (WORDS + granules as usize * size_of::<Granule>()).next_multiple_of(LINE);
        Places {
            groups,
            workers: workers_at,
            entries,
            tasks: tasks_at,
            stride,
            end: tasks_at + tasks_len * stride,
        }
    }
}

impl Memory {
    /// For so many tasks (a power of two) and workers, with so many granules for a short message.
    pub(super) fn new(tasks: u32, workers: u32, granules: u32) -> Result<Self, Error> {
        debug_assert!(Self::are_limits(tasks, workers, granules));
        let at = Places::new(tasks, workers, granules);
        let mapping = Mapping::new(at.end, STAMP)?;
        let memory = Memory { mapping, tasks, workers, granules, at };
        memory.place();
        Ok(memory)
    }

    fn are_limits(tasks: u32, workers: u32, granules: u32) -> bool {
        tasks.is_power_of_two()
            && tasks as usize <= MOST_TASKS
            && (1..=MOST_WORKERS).contains(&(workers as usize))
            && granules <= 1 << 16
    }

    /// The memory that lies in a mapping that was handed over.
    pub(super) fn attach(mapping: Mapping) -> Result<Self, Error> {
        let wrong = || Error::Layout(LayoutProblem::Size);
        if mapping.len() < size_of::<Common>() {
            return Err(wrong());
        }
        // SAFETY: as long as that, and aligned; atomics, any bits of which are numbers.
        let common = unsafe { mapping.contents().cast::<Common>().as_ref() };
        // Relaxed: written before the mapping was handed over.
        let [tasks, workers, granules] = [0, 1, 2].map(|at| common.limits[at].load(Relaxed));
        if !Self::are_limits(tasks, workers, granules) {
            return Err(wrong());
        }
        let at = Places::new(tasks, workers, granules);
        if mapping.len() < at.end {
            return Err(wrong());
        }
        Ok(Memory { mapping, tasks, workers, granules, at })
    }

    /// Writes what a schedule begins with.
    fn place(&self) {
        let limits = [self.tasks, self.workers, self.granules].map(AtomicU32::new);
        let common = Common {
            limits,
            closed: line(AtomicU32::new(0)),
            backlog: AtomicU32::new(0),
            tail: line(AtomicU64::new(0)),
            head: line(AtomicU64::new(0)),
        };
        // SAFETY: the mapping was made this large, each place is aligned for its type, and nobody else
        // knows of it yet.
        unsafe {
            self.mapping.contents().cast().write(common);
            for group in 0..self.groups() {
                self.part::<Group>(self.at.groups, group).write(line(AtomicU64::new(0)));
            }
            for worker in 0..self.workers as usize {
                self.part::<Line<WorkerWords>>(self.at.workers, worker).write(line(WorkerWords {
                    wake: Futex::new(0),
                    leave: AtomicU32::new(0),
                    begun: AtomicU32::new(0),
                }));
            }
            for entry in 0..self.entries() {
                self.part::<AtomicU32>(self.at.entries, entry).write(AtomicU32::new(0));
            }
            for task in 0..self.tasks {
                self.task_at(task).write(TaskWords {
                    word: Futex::new(0),
                    begun: AtomicU32::new(0),
                    started: AtomicU32::new(0),
                    kind: AtomicU32::new(0),
                    len: AtomicU64::new(0),
                    room: AtomicU64::new(0),
                    function: AtomicU64::new(0),
                    runner: AtomicU64::new(0),
                });
                for granule in 0..self.granules as usize {
                    self.granule_at(task, granule).write(Granule::new());
                }
            }
        }
    }

    /// Element `index` of those that begin at `start`.
    ///
    /// # Safety
    ///
    /// There are more than `index` of them there.
    unsafe fn part<T>(&self, start: usize, index: usize) -> NonNull<T> {
        // SAFETY: within the mapping, by the caller's promise.
        unsafe { self.mapping.contents().add(start).cast::<T>().add(index) }
    }

    /// # Safety
    ///
    /// There are more than `index` tasks.
    unsafe fn task_at(&self, index: u32) -> NonNull<TaskWords> {
        // SAFETY: within the mapping, by the caller's promise.
        unsafe { self.part::<u8>(self.at.tasks, index as usize * self.at.stride).cast() }
    }

    /// # Safety
    ///
    /// There are more than `index` tasks, and `granule` is at most the number of granules.
    unsafe fn granule_at(&self, index: u32, granule: usize) -> NonNull<Granule> {
        // SAFETY: a task's granules lie behind its words, by the caller's promise as many.
        unsafe { self.task_at(index).byte_add(WORDS).cast::<Granule>().add(granule) }
    }

    #[inline]
    pub(super) fn common(&self) -> &Common {
        // SAFETY: written by `place`, mapped as long as `self`; atomics, any bits of which are numbers,
        // so that nothing that another process writes is undefined. So for each part below.
        unsafe { self.mapping.contents().cast().as_ref() }
    }

    pub(super) fn groups(&self) -> usize {
        (self.workers as usize).div_ceil(32)
    }

    /// # Panics
    /// When there is no such group.
    #[inline]
    pub(super) fn group(&self, index: usize) -> &AtomicU64 {
        assert!(index < self.groups(), "checked by the caller");
        // SAFETY: there are so many (just checked); an atomic, as in `common`.
        unsafe { &self.part::<Group>(self.at.groups, index).as_ref().0 }
    }

    /// # Panics
    /// When there is no such worker.
    #[inline]
    pub(super) fn worker(&self, index: u32) -> &WorkerWords {
        assert!(index < self.workers, "checked by the caller");
        // SAFETY: there are so many (just checked); atomics, as in `common`.
        unsafe { &self.part::<Line<WorkerWords>>(self.at.workers, index as usize).as_ref().0 }
    }

    /// Entries of the ring: twice as many as tasks, since there are some whose tasks are queued no more.
    pub(super) fn entries(&self) -> usize {
        self.tasks as usize * 2
    }

    /// Where entry number `count` lies.
    #[inline]
    pub(super) fn entry(&self, count: u64) -> &AtomicU32 {
        let index = count as usize & (self.entries() - 1);
        // SAFETY: the mask keeps it among the entries, which are a power of two; an atomic.
        unsafe { self.part::<AtomicU32>(self.at.entries, index).as_ref() }
    }

    /// # Panics
    /// When there is no such task.
    #[inline]
    pub(super) fn task(&self, index: u32) -> &TaskWords {
        assert!(index < self.tasks, "checked by the caller");
        // SAFETY: there are so many (just checked); atomics, as in `common`.
        unsafe { self.task_at(index).as_ref() }
    }

    /// Room for the short message of the task.
    ///
    /// # Panics
    /// When there is no such task.
    #[inline]
    pub(super) fn granules(&self, index: u32) -> &[Granule] {
        assert!(index < self.tasks, "checked by the caller");
        // SAFETY: there are so many behind the task's words; atomics, as in `common`.
        unsafe { slice::from_raw_parts(self.granule_at(index, 0).as_ptr(), self.granules as usize) }
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        // On the machine nothing here has a drop. Those of a model have, and there nobody attaches.
        if !needs_drop::<TaskWords>() {
            return;
        }
        // SAFETY: written by `place`; this is the last that reaches them.
        unsafe {
            for task in 0..self.tasks {
                self.task_at(task).drop_in_place();
                for granule in 0..self.granules as usize {
                    self.granule_at(task, granule).drop_in_place();
                }
            }
            for entry in 0..self.entries() {
                self.part::<AtomicU32>(self.at.entries, entry).drop_in_place();
            }
            for worker in 0..self.workers as usize {
                self.part::<Line<WorkerWords>>(self.at.workers, worker).drop_in_place();
            }
            for group in 0..self.groups() {
                self.part::<Group>(self.at.groups, group).drop_in_place();
            }
            self.mapping.contents().cast::<Common>().drop_in_place();
        }
    }
}
