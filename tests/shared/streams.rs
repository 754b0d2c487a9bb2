//! A process whose standard streams are closed, as a daemon's are, gives their numbers to nothing.

use std::thread;

use multiproc::{
    Event, Lock, Pool, Process, Queue, RLock, RecvError, Shared, SharedArray, Thread, duplex, pipe,
};

use crate::{LONG, Named};

/// More than a packet holds: it comes with a descriptor.
const LARGE: usize = 70_000;

/// Which of the three are open, as bits.
fn open() -> u8 {
    // SAFETY: only asked about.
    let is_open = |fd| unsafe { libc::fcntl(fd, libc::F_GETFD) } != -1;
    (0..3).map(|fd| u8::from(is_open(fd)) << fd).sum()
}

fn close(streams: u8) {
    for fd in (0..3).filter(|fd| streams & 1 << fd != 0) {
        // SAFETY: this process is the test's, and nothing in it keeps a stream.
        unsafe { libc::close(fd) };
    }
}

fn prints(text: &str) {
    println!("{text}");
    eprintln!("{text}");
}

/// In a child: which of the three are open while it has memory, and prints.
fn in_child((numbers, sum): (SharedArray<u64>, Shared<Lock<u64>>)) -> (u8, Vec<u8>) {
    let own = Queue::bounded(1).unwrap();
    prints("a child's line");
    own.put(numbers.get(1).unwrap()).unwrap();
    *sum.lock().unwrap() += own.get().unwrap();
    (open(), vec![7; LARGE])
}

fn task(n: usize) -> (u8, Vec<u8>) {
    prints("a task's line");
    (open(), vec![n as u8; LARGE])
}

fn one_of_everything(closed: u8) {
    close(closed);
    let expected = !closed & 7;
    let still =
        |after: &str| assert_eq!(open(), expected, "{after}, of which {closed} were closed");
    still("closing");
    let numbers = SharedArray::new(&[1u64, 2]).unwrap();
    let sum = Shared::new(Lock::new(0u64)).unwrap();
    let queue = Queue::bounded(4).unwrap();
    still("memory");

    let name = Named::new(&format!("streams-{closed}"));
    let made = Shared::create(&name.0, RLock::new(7u64)).unwrap();
    let opened = Shared::<RLock<u64>>::open(&name.0).unwrap();
    Shared::<u64>::unlink(&name.0).unwrap();
    still("names");

    let (receiver, sender) = pipe::<Vec<u8>>().unwrap();
    let (one, other) = duplex::<u8, u8>().unwrap();
    prints("a line that no pipe carries");
    sender.send(vec![3; LARGE]).unwrap();
    one.send(5).unwrap();
    let long = receiver.recv().unwrap();
    still("pipes");
    assert_eq!((long, other.recv().unwrap()), (vec![3; LARGE], 5));

    let forked = {
        let (numbers, sum) = (numbers.clone(), sum.clone());
        Process::fork(move || in_child((numbers, sum))).unwrap()
    };
    let spawned = Process::spawn(in_child, (numbers.clone(), sum.clone())).unwrap();
    still("children");
    for child in [forked, spawned] {
        assert_eq!(child.join().unwrap(), (expected, vec![7; LARGE]), "in a child");
    }
    let pool = Pool::new(2).unwrap();
    let done = pool.map(task, 0..4).unwrap();
    still("a pool");
    (0..4).for_each(|n| assert_eq!(done[n], (expected, vec![n as u8; LARGE]), "in a worker"));
    Thread::builder().name("named").start(move || {}).unwrap().join().unwrap();
    still("a thread");

    prints("a line that nothing of this crate's gets");
    queue.put(1u32).unwrap();
    assert_eq!(queue.get(), Ok(1));
    assert_eq!((numbers.to_vec(), *sum.lock().unwrap()), (vec![1, 2], 4));
    assert_eq!(*made.lock().unwrap() + *opened.lock().unwrap(), 14);
}

#[test]
fn whichever_are_closed_none_gets_a_descriptor_of_ours() {
    for closed in 0..8 {
        let child = Process::spawn(one_of_everything, closed).unwrap();
        child.join().unwrap_or_else(|error| panic!("{error}"));
    }
}

/// Prints all the time, at whatever has the numbers.
fn print_until(over: &Event) {
    let text = [b'!'; 64];
    while !over.is_set() {
        for fd in 0..3 {
            // SAFETY: the bytes are there.
            unsafe { libc::write(fd, text.as_ptr().cast(), text.len()) };
        }
    }
}

/// A descriptor that is just being made has such a number for a moment: nothing comes of that.
#[test]
fn what_a_thread_prints_meanwhile_is_in_nothing_that_is_made() {
    let make = |()| {
        close(7);
        let over = &Event::new();
        let made = thread::scope(|scope| {
            scope.spawn(|| print_until(over));
            let made = std::panic::catch_unwind(|| {
                let ready = Shared::new(Event::new()).unwrap();
                for round in 0..100 {
                    let array = SharedArray::<u8>::zeroed(512).unwrap();
                    assert_eq!(array.to_vec(), [0; 512], "round {round}");
                    let (receiver, sender) = pipe::<Vec<u8>>().unwrap();
                    assert!(matches!(receiver.try_recv(), Err(RecvError::Empty)), "round {round}");
                    sender.send(vec![9; LARGE]).unwrap();
                    assert_eq!(receiver.recv().unwrap(), [9; LARGE], "round {round}");
                }
                let set = |ready: Shared<Event>| ready.set();
                Process::spawn(set, ready.clone()).unwrap().join().unwrap();
                assert!(ready.wait_for(LONG));
            });
            over.set();
            made
        });
        made.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
    };
    let child = Process::spawn(make, ()).unwrap();
    child.join().unwrap_or_else(|error| panic!("{error}"));
}
