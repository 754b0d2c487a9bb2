//! Futures, and waiting for things of several kinds.

use multiproc::{
    Event, Process, Queue, Receiver, RecvError, Semaphore, Shared, Thread, duplex, pipe, wait_any,
    wait_any_for,
};

use super::{Done, Operation, TICK, Told, here, spawning, told};
use crate::block_on::{block_for, block_on};

pub(super) const ALL: &[Operation] = &[
    here("futures of words", futures_of_words),
    here("futures of a pipe", futures_of_a_pipe),
    spawning("futures of a process", futures_of_a_process),
    here("wait_any of several kinds", wait_for_several_kinds),
];

fn futures_of_words(ready: &dyn Fn()) -> Done {
    let queue = Queue::bounded(2)?;
    let shared = Shared::new((Event::new(), Semaphore::new(0)))?;
    ready();
    assert!(block_for(queue.get_async(), TICK).is_none());
    assert!(block_for(shared.0.wait_async(), TICK).is_none());
    assert!(block_for(shared.1.acquire_async(), TICK).is_none());
    let (theirs, done) = (queue.clone(), shared.clone());
    let thread = Thread::spawn(move || {
        (0..20u64).try_for_each(|n| block_on(theirs.put_async(n)))?;
        done.1.release(1).expect("it is the first");
        done.0.set();
        Ok::<_, multiproc::PutError<u64>>(())
    })?;
    for n in 0..20 {
        assert_eq!(block_on(queue.get_async())?, n);
    }
    block_on(shared.1.acquire_async()).forget();
    block_on(shared.0.wait_async());
    thread.join()??;
    assert!(block_for(queue.get_async(), TICK).is_none());
    Ok(())
}

fn futures_of_a_pipe(ready: &dyn Fn()) -> Done {
    let (here, there) = duplex::<u64, u64>()?;
    ready();
    if let Some(received) = block_for(here.recv_async(), TICK) {
        return Err(received.expect_err("nothing was sent").into());
    }
    let thread = Thread::spawn(move || {
        (0..20).try_for_each(|n| block_on(there.send_async(n)))?;
        Ok::<_, multiproc::SendError<u64>>(())
    })?;
    for n in 0..20 {
        match block_on(here.recv_async()) {
            Ok(received) => assert_eq!(received, n),
            // The thread says why it sent no more.
            Err(RecvError::Closed) => break,
            Err(error) => return Err(error.into()),
        }
    }
    thread.join()??;
    Ok(())
}

fn futures_of_a_process(ready: &dyn Fn()) -> Done {
    let (held, hold) = pipe::<u64>()?;
    ready();
    let child = Process::spawn(|held: Receiver<u64>| -> Told<u64> { told(held.recv()) }, held)?;
    if block_for(child.wait_async(), TICK).is_some() {
        // It says why it has not waited.
        child.join()??;
        panic!("nothing was sent");
    }
    hold.send(7)?;
    assert_eq!(block_on(child.join_async())??, 7);
    Ok(())
}

fn wait_for_several_kinds(ready: &dyn Fn()) -> Done {
    let (receiver, sender) = pipe::<u64>()?;
    let (queue, event) = (Queue::bounded(2)?, Event::new());
    ready();
    assert_eq!(wait_any_for(&[&receiver, &queue, &event], TICK)?, []);
    let theirs = queue.clone();
    let thread = Thread::spawn(move || theirs.put(1u64))?;
    assert_eq!(wait_any(&[&receiver, &queue, &event])?, [1]);
    sender.send(1)?;
    event.set();
    assert_eq!(wait_any(&[&receiver, &queue, &event])?, [0, 1, 2]);
    thread.join()??;
    Ok(())
}
