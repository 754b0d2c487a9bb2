//! A waiter sleeps: every wait takes almost no processor time.

use std::time::Duration;

use comfy_table::presets::NOTHING;
use comfy_table::{CellAlignment, Table};
use multiproc::{
    Barrier, BoundedSemaphore, BrokenBarrier, Condition, Event, GetError, Lock, Pool, Process,
    PutError, Queue, RLock, RecvError, RobustSemaphore, Semaphore, SendError, Shared, SharedArray,
    Thread, TryLockError, Value, duplex, pipe, wait_any_for,
};
use rustix::time::{ClockId, clock_gettime};

use crate::alone::alone;
use crate::block_on::block_for;
use crate::{linger, say};

/// How long each waits, until it times out.
const SPAN: Duration = Duration::from_secs(2);

/// The processor time that a process may use for that, all its threads together: to go to sleep, to
/// check every 100 ms whether the owner is alive, and to wake up.
const MOST: Duration = Duration::from_millis(5);

/// What another process holds all the time.
type Held = (Shared<(Lock<u32>, RLock<u32>, Value<u32>, RobustSemaphore<1>)>, SharedArray<u8>);

/// Waits until it times out; returns the processor time that it took.
type Wait = fn(Held) -> Duration;

const WAITS: [(&str, Wait); 26] = [
    ("Lock::lock_for", |(shared, _)| {
        used(|| matches!(shared.0.lock_for(SPAN), Err(TryLockError::WouldBlock)))
    }),
    ("RLock::lock_for", |(shared, _)| {
        used(|| matches!(shared.1.lock_for(SPAN), Err(TryLockError::WouldBlock)))
    }),
    ("Value::lock_for", |(shared, _)| {
        used(|| matches!(shared.2.lock_for(SPAN), Err(TryLockError::WouldBlock)))
    }),
    ("SharedArray::lock_for", |(_, array)| {
        used(|| matches!(array.lock_for(SPAN), Err(TryLockError::WouldBlock)))
    }),
    ("Event::wait_for", |_| {
        let event = Shared::new(Event::new()).unwrap();
        used(|| !event.wait_for(SPAN))
    }),
    ("Semaphore::acquire_for", |_| {
        let semaphore = Shared::new(Semaphore::new(0)).unwrap();
        used(|| semaphore.acquire_for(SPAN).is_none())
    }),
    ("BoundedSemaphore::acquire_for", |_| {
        let semaphore = Shared::new(BoundedSemaphore::new(1)).unwrap();
        let _permit = semaphore.acquire();
        used(|| semaphore.acquire_for(SPAN).is_none())
    }),
    ("RobustSemaphore::acquire_for", |(shared, _)| used(|| shared.3.acquire_for(SPAN).is_none())),
    ("Condition::wait_for", |_| {
        let shared = Shared::new((Lock::new(0), Condition::new())).unwrap();
        used(|| !shared.1.wait_for(shared.0.lock().unwrap(), SPAN).unwrap().1)
    }),
    ("Condition::wait_while_for", |_| {
        let shared = Shared::new((Lock::new(0), Condition::new())).unwrap();
        used(|| !shared.1.wait_while_for(shared.0.lock().unwrap(), SPAN, |_| true).unwrap().1)
    }),
    ("Barrier::wait_for", |_| {
        let barrier = Shared::new(Barrier::new(2)).unwrap();
        used(|| barrier.wait_for(SPAN) == Err(BrokenBarrier::TimedOut))
    }),
    ("Queue::get_for", |_| {
        let queue = Queue::<u8>::bounded(1).unwrap();
        used(|| queue.get_for(SPAN) == Err(GetError::TimedOut))
    }),
    ("Queue::get_async", |_| {
        let queue = Queue::<u8>::bounded(1).unwrap();
        used(|| block_for(queue.get_async(), SPAN).is_none())
    }),
    ("Event::wait_async", |_| {
        let event = Shared::new(Event::new()).unwrap();
        used(|| block_for(event.wait_async(), SPAN).is_none())
    }),
    ("Receiver::recv_async", |_| {
        let (receiver, _sender) = pipe::<u8>().unwrap();
        used(|| block_for(receiver.recv_async(), SPAN).is_none())
    }),
    ("Process::wait_async", |_| {
        let child = Process::spawn(|()| linger::for_ever(), ()).unwrap();
        let used = used(|| block_for(child.wait_async(), SPAN).is_none());
        child.kill().unwrap();
        used
    }),
    ("wait_any of several kinds", |_| {
        let (receiver, _sender) = pipe::<u8>().unwrap();
        let (queue, event) = (Queue::<u8>::bounded(1).unwrap(), Event::new());
        used(|| wait_any_for(&[&receiver, &queue, &event], SPAN).unwrap().is_empty())
    }),
    ("Queue::put_for", |_| {
        let queue = Queue::bounded(1).unwrap();
        queue.put(1).unwrap();
        used(|| matches!(queue.put_for(2, SPAN), Err(PutError::TimedOut(2))))
    }),
    ("Queue::join_for", |_| {
        let queue = Queue::bounded(1).unwrap();
        queue.put(1).unwrap();
        used(|| !queue.join_for(SPAN))
    }),
    ("Receiver::recv_for", |_| {
        let (receiver, _sender) = pipe::<u8>().unwrap();
        used(|| matches!(receiver.recv_for(SPAN), Err(RecvError::TimedOut)))
    }),
    ("Connection::poll", |_| {
        let (end, _other) = duplex::<u8, u8>().unwrap();
        used(|| !end.poll_for(SPAN))
    }),
    ("Sender::send_for", |_| {
        let (_receiver, sender) = pipe().unwrap();
        while sender.try_send(0).is_ok() {}
        let cause = |error: SendError<u8>| error.to_string();
        used(|| sender.send_for(0, SPAN).map_err(cause).is_err())
    }),
    ("wait_any", |_| {
        let (receiver, _sender) = pipe::<u8>().unwrap();
        used(|| wait_any_for(&[&receiver], SPAN).unwrap().is_empty())
    }),
    ("Process::join_for", |_| {
        let child = Process::spawn(|()| linger::for_ever(), ()).unwrap();
        let used = used(|| child.join_for(SPAN).is_none());
        child.kill().unwrap();
        used
    }),
    ("Thread::join_for", |_| {
        let thread = Thread::builder().daemon(true).start(linger::for_ever).unwrap();
        used(|| thread.join_for(SPAN).is_none())
    }),
    ("AsyncResult::get_for", |_| {
        let pool = Pool::new(1).unwrap();
        let result = pool.apply_async(|()| linger::for_ever(), ()).unwrap();
        let used = used(|| result.get_for(SPAN).is_none());
        pool.terminate();
        used
    }),
];

/// The processor time of this process that `wait` takes, which returns whether it timed out.
fn used(wait: impl FnOnce() -> bool) -> Duration {
    let now = || Duration::try_from(clock_gettime(ClockId::ProcessCPUTime)).unwrap();
    let before = now();
    assert!(wait(), "the wait must time out");
    now() - before
}

/// All at the same time, in a process each. The process that holds what they wait for is small, since
/// some of them read its mappings at times.
#[test]
fn a_wait_costs_no_processor_time() {
    alone(|()| {
        let (lock, rlock, value) = (Lock::new(0), RLock::new(0), Value::new(0));
        let shared = Shared::new((lock, rlock, value, RobustSemaphore::new(1))).unwrap();
        let array = SharedArray::zeroed(1).unwrap();
        let _held = (shared.0.lock(), shared.1.lock(), shared.2.lock(), array.lock());
        let _permit = shared.3.acquire();
        let start = |(name, wait)| {
            (name, Process::spawn(wait, (shared.clone(), array.clone())).expect("a child for each"))
        };
        let waits = WAITS.map(start).map(|(name, process)| (name, process.join().unwrap()));
        let mut table = Table::new();
        table.load_preset(NOTHING).set_header(["waits two seconds in", "processor time, ms"]);
        table.column_mut(1).unwrap().set_cell_alignment(CellAlignment::Right);
        for (name, used) in waits {
            table.add_row([name.to_owned(), format!("{:.2}", used.as_secs_f64() * 1e3)]);
        }
        say(&format!("\n{table}\n"));
        for (name, used) in waits {
            assert!(used < MOST, "{name} uses {used:?}");
        }
    });
}
