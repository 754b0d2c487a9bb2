//! One wait for things of all kinds.

use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{
    BoundedSemaphore, Event, Process, Queue, Semaphore, Shared, Waitable, pipe, wait_any,
    wait_any_for, wait_any_until,
};

use crate::Nothing;
use crate::block_on::block_on;

const LONG: Duration = Duration::from_secs(60);
const TICK: Duration = Duration::from_millis(20);

/// How one of the sources is made ready.
type MakesReady<'a> = Box<dyn FnOnce() + Send + 'a>;

#[test]
fn whichever_is_ready_first_ends_the_wait() -> Nothing {
    let (queue, event) = (Queue::<u8>::bounded(1)?, Shared::new(Event::new())?);
    let (semaphore, bounded) = (Semaphore::new(0), BoundedSemaphore::new(1));
    bounded.acquire().forget();
    let (receiver, sender) = pipe::<u8>()?;
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    let (held, hold) = pipe::<u8>()?;
    let child = Process::spawn(|held: multiproc::Receiver<u8>| _ = held.recv(), held)?;
    let sources: [&dyn Waitable; 7] =
        [&queue, &event, &semaphore, &bounded, &receiver, &socket, &child];
    assert_eq!(wait_any_for(&sources, TICK)?, []);
    assert_eq!(wait_any_for(&sources, Duration::ZERO)?, []);
    assert_eq!(wait_any_until(&sources, Instant::now())?, []);
    let made_ready: [MakesReady<'_>; 7] = [
        Box::new(|| queue.put(1).unwrap()),
        Box::new(|| event.set()),
        Box::new(|| semaphore.release(1).unwrap()),
        Box::new(|| bounded.release(1).unwrap()),
        Box::new(|| sender.send(1).unwrap()),
        Box::new(|| _ = socket.send_to(&[1], socket.local_addr().unwrap()).unwrap()),
        Box::new(|| drop(hold)),
    ];
    for (index, make_ready) in made_ready.into_iter().enumerate() {
        thread::scope(|scope| {
            scope.spawn(make_ready);
            let others = &sources[index..];
            assert_eq!(wait_any_for(others, LONG).unwrap(), [0], "source {index}");
        });
    }
    assert_eq!(wait_any(&sources)?, [0, 1, 2, 3, 4, 5, 6]);
    assert_eq!((semaphore.value(), queue.len()), (1, 1), "nothing is taken");
    child.join()?;
    Ok(())
}

#[test]
fn a_closed_queue_and_a_set_that_was_cleared_are_ready() -> Nothing {
    let (queue, event) = (Queue::<u8>::bounded(1)?, Event::new());
    thread::scope(|scope| {
        scope.spawn(|| {
            // Over and over: it may begin to wait after the first.
            while !queue.is_closed() {
                event.set();
                event.clear();
            }
        });
        assert_eq!(wait_any_for(&[&queue, &event], LONG).unwrap(), [1]);
        queue.close();
    });
    assert_eq!(wait_any(&[&event, &queue])?, [1]);
    Ok(())
}

/// What one wait has seen, others may take: a value wakes one sleeper, be it one that takes nothing.
#[test]
fn a_wait_keeps_nothing_from_those_who_take() -> Nothing {
    const VALUES: usize = 500;
    let (queue, never) = (Queue::bounded(4)?, Event::new());
    thread::scope(|scope| {
        let lookers = [(); 2].map(|()| {
            scope.spawn(|| {
                while !queue.is_closed() {
                    wait_any(&[&queue, &never]).unwrap();
                }
            })
        });
        let blocked = scope.spawn(|| queue.iter().count());
        let future = scope.spawn(|| {
            block_on(async {
                let mut got = 0;
                while queue.get_async().await.is_ok() {
                    got += 1;
                }
                got
            })
        });
        (0..VALUES).for_each(|n| queue.put(n).unwrap());
        queue.close();
        lookers.into_iter().for_each(|looker| looker.join().unwrap());
        assert_eq!(blocked.join().unwrap() + future.join().unwrap(), VALUES);
    });
    Ok(())
}
