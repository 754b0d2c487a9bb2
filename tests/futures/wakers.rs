//! Wakers that do what they should not.

use std::pin::pin;
use std::sync::mpsc::{Receiver as Blocks, Sender as Goes, channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Wake, Waker};
use std::thread;

use multiproc::{Event, Semaphore, pipe};

use crate::Nothing;
use crate::block_on::block_on;

struct Panics;

impl Wake for Panics {
    fn wake(self: Arc<Self>) {
        panic!("a waker that panics");
    }
}

/// Says that it was called, and blocks until the other end is gone.
struct BlocksUntil(Goes<()>, Mutex<Blocks<()>>);

impl Wake for BlocksUntil {
    fn wake(self: Arc<Self>) {
        self.0.send(()).unwrap();
        let _ = self.1.lock().unwrap().recv();
    }
}

#[test]
fn a_waker_that_panics_stops_no_other() -> Nothing {
    let event = Event::new();
    let waker = Waker::from(Arc::new(Panics));
    let mut first = pin!(event.wait_async());
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    std::thread::scope(|scope| {
        scope.spawn(|| block_on(event.wait_async()));
        scope.spawn(|| block_on(event.wait_async()));
        event.set();
    });
    let (receiver, sender) = pipe::<u8>()?;
    let mut first = pin!(receiver.recv_async());
    assert!(first.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    drop(sender);
    assert!(block_on(receiver.recv_async()).is_err());
    Ok(())
}

/// All that wait are there already: nobody comes who could notice that the watcher does not.
#[test]
fn a_waker_that_blocks_stops_no_other() -> Nothing {
    let (called, calls) = channel();
    let (go_on, blocks) = channel();
    let waker = Waker::from(Arc::new(BlocksUntil(called, Mutex::new(blocks))));
    let (first, event, semaphore) = (Event::new(), Event::new(), Semaphore::new(0));
    let (receiver, sender) = pipe::<u8>()?;
    let mut waits = pin!(first.wait_async());
    assert!(waits.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    let mut receives = pin!(receiver.recv_async());
    thread::scope(|scope| {
        let others = [
            scope.spawn(|| block_on(event.wait_async())),
            scope.spawn(|| block_on(semaphore.acquire_async()).forget()),
            scope.spawn(|| assert_eq!(block_on(receiver.recv_async()).unwrap(), 1)),
        ];
        first.set();
        calls.recv().unwrap();
        event.set();
        semaphore.release(1).unwrap();
        sender.send(1).unwrap();
        others.into_iter().for_each(|other| other.join().unwrap());
        // The same where descriptors are waited for.
        assert!(receives.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        let (other, other_sender) = pipe::<u8>().unwrap();
        let other = scope.spawn(move || block_on(other.recv_async()).unwrap());
        sender.send(2).unwrap();
        calls.recv().unwrap();
        other_sender.send(3).unwrap();
        assert_eq!(other.join().unwrap(), 3);
        drop(go_on);
    });
    Ok(())
}
