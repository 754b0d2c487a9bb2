//! A queue of values between threads and between processes.

mod attempt;

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{CodecError, Error, GetError, PutError, TooManyDone};
use crate::handoff;
use crate::ipc::codec::{self, Reads};
use crate::ipc::ring::buffer::Buffer;
use crate::ipc::ring::{Refusal, Ring, RingMemory, WaitMode};
use crate::shm::{send_mapping, stamp_of, take_mapping};
use crate::sys::Deadline;

/// A queue of values: any number of threads and processes put, any number get, first in first out.
///
/// Every clone, in this process or in a child that got one, is the same queue. A child that is
/// forked takes a clone by move; one that is spawned takes it as an argument.
///
/// ```
/// use multiproc::Queue;
///
/// let queue = Queue::bounded(8)?;
/// let producer = queue.clone();
/// std::thread::spawn(move || {
///     for pair in [(10, 2), (20, 3)] {
///         producer.put(pair).unwrap();
///     }
///     producer.close();
/// });
/// while let Ok((a, b)) = queue.get() {
///     assert_eq!(a / 10, b - 1);
/// }
/// # Ok::<(), multiproc::Error>(())
/// ```
///
/// # Capacity
///
/// A queue is bounded twice: by messages and by bytes, and full when either is used up. What a
/// value takes is its encoding (see [what may be sent](crate#what-may-be-sent)), in steps of 8 bytes and at least 8. One that
/// is larger than the whole queue can never be put: [`PutError::TooLarge`] names both sizes.
///
/// # Costs
///
/// One descriptor and one mapping: the capacity in bytes, 8 bytes for each message (their number
/// rounded up to a power of two), and at most one page more, all of it reserved when the queue is
/// made. Putting or getting with nobody asleep is no system call. Nothing allocates but what the
/// value itself is made of, a buffer of up to 64 KiB that each thread keeps, and for larger values buffers of
/// up to 64 MiB in all that the process keeps: see [`release_buffers`](crate::release_buffers).
///
/// A value is copied twice on each side: into a buffer and into the queue, or out of them. Text, and lists
/// of `u8`, `i8`, `f32` or `f64`, are copied whole, also within other values; other elements are
/// encoded one by one.
///
/// # If a process dies
///
/// Nobody else is disturbed, at whichever instruction it was: a side of the queue that it held is free
/// for the next at once. But a queue does not know who will put and who will get: when all who would
/// put are dead, [`Queue::get`] waits for ever, and so does [`Queue::put`] into a full queue when all
/// who would get are. Whoever watches over them [closes](Queue::close) the queue, which ends both, or
/// use [`Queue::get_for`] and [`Queue::put_for`]. A value is put or not, in one step:
/// killed before, nobody sees anything of it; killed after, all of it is there. Likewise it is
/// taken or not: killed before, the next one gets it; killed after, it is gone with the process.
///
/// One that is stopped (SIGSTOP, a debugger) in the middle of a put or get is alive: the others of
/// its side wait for it, also in `try_put` and `try_get`, which wait for nothing else.
///
/// A value that was taken by a process that died before [`Queue::task_done`] stays unfinished:
/// who watches over the processes can report it in its place.
///
/// # Fairness
///
/// Values come in the order in which they were put. Of those who wait, whoever comes first when
/// there is something takes it, also before those who sleep. Of the sleepers, each value wakes the
/// one that lay down first, which takes it or, when another was faster, lies down again behind the
/// rest; so does whoever has slept for 100 ms. Nobody is guaranteed a turn.
///
/// Of 64 who got what one put as fast as it could, the few that were awake took nearly all: within
/// two seconds the busiest thread got 47,000 to 142,000 values, the one in the middle 1,100 at most,
/// and the unluckiest, in most runs, waited all the time and got none; with processes it was much the
/// same. Sleepers to whom values came one by one went in the order in which they came, but for a few
/// that had slept for 100 ms by then. (2026-11-24, a busy Zen 4 VM of 2 cores, six runs of `cargo
/// bench -- fairness`.)
///
/// # Different from Python
///
/// `put` hands over at once; there is no feeder thread, so a process may end right after it, and
/// ending never waits. A bound is required. `task_done` and `join` are always there, and
/// [`Queue::close`] ends the queue for all: `put` refuses, and `get` gives what is left and then
/// [`GetError::Closed`]. A killed process leaves Python's queue locked.
pub struct Queue<T> {
    ring: Arc<Ring>,
    reads: Reads,
    values: PhantomData<fn(T) -> T>,
}

impl<T: Serialize + DeserializeOwned> Queue<T> {
    /// A queue for at most `messages` values at a time, with 64 bytes for each of them and 64 KiB
    /// at least (see [`Queue::with_bytes`]).
    ///
    /// # Errors
    ///
    /// [`Error::Capacity`] when it is for no value or for more than 2^28;
    /// [`Error::OutOfMemory`] when so much shared memory is not there; [`Error::FileSizeLimit`] when
    /// it is more than the process may write to a file (`ulimit -f`); [`Error::Os`] when the process
    /// has no descriptor left, or the system refuses something else.
    pub fn bounded(messages: usize) -> Result<Self, Error> {
        let bytes = messages.saturating_mul(64).clamp(1 << 16, RingMemory::MAX_BYTES);
        Self::with_bytes(messages, bytes)
    }

    /// A queue for at most `messages` values at a time, whose encodings have at most `bytes` bytes
    /// together (rounded up to a multiple of 8).
    ///
    /// # Errors
    ///
    /// As for [`Queue::bounded`]; the bytes must be from 1 to just below 4 GiB.
    pub fn with_bytes(messages: usize, bytes: usize) -> Result<Self, Error> {
        Ok(Self::over(Ring::new(messages, bytes, stamp_of::<Self>())?))
    }

    /// Puts a value, waiting for room.
    ///
    /// # Errors
    ///
    /// [`PutError`], which gives the value back.
    #[inline]
    pub fn put(&self, value: T) -> Result<(), PutError<T>> {
        self.put_by(value, WaitMode::Until(Deadline::Never))
    }

    /// Puts a value if there is room.
    ///
    /// # Errors
    ///
    /// [`PutError::Full`] when there is none; else as [`Queue::put`].
    #[inline]
    pub fn try_put(&self, value: T) -> Result<(), PutError<T>> {
        self.put_by(value, WaitMode::Not)
    }

    /// As [`Queue::put`], but waits for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`PutError::TimedOut`] when there was no room all the time, or it did not come to look for
    /// it because others were putting; else as [`Queue::put`].
    pub fn put_for(&self, value: T, timeout: Duration) -> Result<(), PutError<T>> {
        self.put_by(value, WaitMode::Until(Deadline::after(timeout)))
    }

    /// As [`Queue::put_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As [`Queue::put_for`].
    pub fn put_until(&self, value: T, deadline: Instant) -> Result<(), PutError<T>> {
        self.put_by(value, WaitMode::Until(Deadline::at(deadline)))
    }

    /// Puts a value that stays here, waiting for room: what is sent is a copy in any case.
    ///
    /// ```
    /// let queue = multiproc::Queue::bounded(8)?;
    /// let table = vec![0.5f32; 1000];
    /// queue.put_ref(&table)?;
    /// queue.put_ref(&table)?;
    /// assert_eq!(queue.get()?, table);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As [`Queue::put`], but there is nothing to give back.
    #[inline]
    pub fn put_ref(&self, value: &T) -> Result<(), PutError<()>> {
        let mode = WaitMode::Until(Deadline::Never);
        self.put_bytes(value, &mode).map_err(|trouble| self.put_error((), trouble, &mode))
    }

    /// Takes the value that was put first, waiting for one.
    ///
    /// # Errors
    ///
    /// [`GetError::Closed`] when the queue is closed and empty; see [`GetError`].
    #[inline]
    pub fn get(&self) -> Result<T, GetError> {
        self.get_by(WaitMode::Until(Deadline::Never))
    }

    /// Takes the value that was put first, if there is one.
    ///
    /// # Errors
    ///
    /// [`GetError::Empty`] when there is none; else as [`Queue::get`].
    #[inline]
    pub fn try_get(&self) -> Result<T, GetError> {
        self.get_by(WaitMode::Not)
    }

    /// As [`Queue::get`], but waits for at most `timeout`.
    ///
    /// # Errors
    ///
    /// [`GetError::TimedOut`] when there was none all the time, or it did not come to look for one
    /// because others were getting; else as [`Queue::get`].
    pub fn get_for(&self, timeout: Duration) -> Result<T, GetError> {
        self.get_by(WaitMode::Until(Deadline::after(timeout)))
    }

    /// As [`Queue::get_for`], up to a point in time.
    ///
    /// # Errors
    ///
    /// As [`Queue::get_for`].
    pub fn get_until(&self, deadline: Instant) -> Result<T, GetError> {
        self.get_by(WaitMode::Until(Deadline::at(deadline)))
    }

    #[inline]
    fn put_by(&self, value: T, mode: WaitMode) -> Result<(), PutError<T>> {
        match self.put_bytes(&value, &mode) {
            Ok(()) => Ok(()),
            Err(trouble) => Err(self.put_error(value, trouble, &mode)),
        }
    }

    #[inline]
    fn put_bytes(&self, value: &T, mode: &WaitMode) -> Result<(), Trouble> {
        let mut buffer = Buffer::take();
        self.encode(value, &mut buffer)?;
        self.ring.put(&buffer, mode).map_err(Trouble::Refused)
    }

    #[inline]
    fn encode(&self, value: &T, buffer: &mut Buffer) -> Result<(), Trouble> {
        let shapes = self.reads.get::<T>().map_err(Trouble::Encode)?;
        codec::encode(value, shapes, buffer).map_err(Trouble::Encode)?;
        let size = buffer.len();
        if size > self.ring.bytes() { Err(Trouble::TooLarge(size)) } else { Ok(()) }
    }

    #[cold]
    fn put_error<V>(&self, value: V, trouble: Trouble, mode: &WaitMode) -> PutError<V> {
        match (trouble, mode) {
            (Trouble::Encode(source), _) => PutError::Encode { value, source },
            (Trouble::TooLarge(size), _) => {
                PutError::TooLarge { value, size, max: self.ring.bytes() }
            }
            (Trouble::Refused(Refusal::Closed), _) => PutError::Closed(value),
            (Trouble::Refused(Refusal::Corrupt), _) => PutError::Corrupt(value),
            (Trouble::Refused(Refusal::NotNow), WaitMode::Not) => PutError::Full(value),
            (Trouble::Refused(Refusal::NotNow), WaitMode::Until(_)) => PutError::TimedOut(value),
        }
    }

    #[inline]
    fn get_by(&self, mode: WaitMode) -> Result<T, GetError> {
        let mut buffer = Buffer::take();
        if let Err(refusal) = self.ring.get(&mut buffer, &mode) {
            return Err(get_error(refusal, &mode));
        }
        codec::decode(buffer.message()).map_err(GetError::Decode)
    }
}

#[cold]
fn get_error(refusal: Refusal, mode: &WaitMode) -> GetError {
    match (refusal, mode) {
        (Refusal::NotNow, WaitMode::Not) => GetError::Empty,
        (Refusal::NotNow, WaitMode::Until(_)) => GetError::TimedOut,
        (Refusal::Closed, _) => GetError::Closed,
        (Refusal::Corrupt, _) => GetError::Corrupt,
    }
}

/// Why a value was not put, without the value.
enum Trouble {
    Encode(CodecError),
    TooLarge(usize),
    Refused(Refusal),
}

impl<T> Queue<T> {
    fn over(ring: Ring) -> Self {
        Queue { ring: Arc::new(ring), reads: Reads::default(), values: PhantomData }
    }

    /// How many values are there at this moment.
    pub fn len(&self) -> usize {
        self.ring.len()
    }

    /// Whether there is none at this moment.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Whether there are as many as there can be at this moment. One that has room for more values
    /// may still have too few bytes for the next.
    pub fn is_full(&self) -> bool {
        self.len() == self.capacity()
    }

    /// How many values there can be at a time.
    pub fn capacity(&self) -> usize {
        self.ring.capacity()
    }

    /// How many bytes the values' encodings can have together, and the most that one can have.
    pub fn byte_capacity(&self) -> usize {
        self.ring.bytes()
    }

    /// Closes the queue for all who have it, in this process and in others: nothing can be put any
    /// more; what is there can still be taken. Those who wait go on: for room, with
    /// [`PutError::Closed`]; for a value, when there is none, with [`GetError::Closed`].
    ///
    /// Closing twice is closing once.
    pub fn close(&self) {
        self.ring.close();
    }

    /// Whether it was closed.
    pub fn is_closed(&self) -> bool {
        self.ring.is_closed()
    }

    /// Reports that one value that was taken is done with: see [`Queue::join`].
    ///
    /// # Errors
    ///
    /// [`TooManyDone`] when that has been reported for every value that was ever put.
    pub fn task_done(&self) -> Result<(), TooManyDone> {
        if self.ring.unfinished().task_done() { Ok(()) } else { Err(TooManyDone) }
    }

    /// Waits until every value that was put has been reported by [`Queue::task_done`]. Whoever
    /// waited sees what was done before those reports. (Up to 2^30 values may be unfinished.)
    ///
    /// ```
    /// let queue = multiproc::Queue::bounded(4)?;
    /// queue.put("work".to_owned()).unwrap();
    /// let worker = queue.clone();
    /// std::thread::spawn(move || {
    ///     worker.get().unwrap();
    ///     worker.task_done().unwrap();
    /// });
    /// queue.join();
    /// assert_eq!(queue.unfinished(), 0);
    /// # Ok::<(), multiproc::Error>(())
    /// ```
    pub fn join(&self) {
        let done = self.ring.unfinished().join(Deadline::Never);
        debug_assert!(done, "without a deadline it is waited for");
    }

    /// As [`Queue::join`], but for at most `timeout`; false when not all was done in time.
    pub fn join_for(&self, timeout: Duration) -> bool {
        self.ring.unfinished().join(Deadline::after(timeout))
    }

    /// As [`Queue::join_for`], up to a point in time.
    pub fn join_until(&self, deadline: Instant) -> bool {
        self.ring.unfinished().join(Deadline::at(deadline))
    }

    /// How many values were put, and not reported by [`Queue::task_done`].
    pub fn unfinished(&self) -> usize {
        self.ring.unfinished().count() as usize
    }
}

/// Only as an argument of [`Process::spawn`](crate::Process::spawn): it is the memory that goes to
/// the child, not the values. Any other serializer gets an error, but within one of those.
impl<T> Serialize for Queue<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        send_mapping(self.ring.mapping(), serializer)
    }
}

impl<'de, T> Deserialize<'de> for Queue<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = handoff::number(deserializer)?;
        let ring = if handoff::is_probing() {
            Ring::new(1, 1, stamp_of::<Self>())
        } else {
            Ring::attach(take_mapping(stamp_of::<Self>(), number)?)
        };
        Ok(Self::over(ring.map_err(de::Error::custom)?))
    }
}

impl<T> Clone for Queue<T> {
    fn clone(&self) -> Self {
        Queue { ring: self.ring.clone(), reads: self.reads.clone(), values: PhantomData }
    }
}

impl<T> fmt::Debug for Queue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("len", &self.len())
            .field("capacity", &self.capacity())
            .field("byte_capacity", &self.byte_capacity())
            .field("closed", &self.is_closed())
            .finish()
    }
}
