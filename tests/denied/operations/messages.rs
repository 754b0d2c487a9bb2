//! Queues and pipes.

use multiproc::{
    Connection, GetError, Process, PutError, Queue, Receiver, RecvError, SendCause, SendError,
    Sender, Thread, duplex, pipe, wait_any, wait_any_for,
};

use super::{Done, Operation, TICK, Told, here, spawning, told};

pub(super) const ALL: &[Operation] = &[
    here("queue between threads", queue_between_threads),
    spawning("queue between processes", queue_between_processes),
    here("pipe, short messages", |ready| pipe_of(ready, 10)),
    here("pipe, long messages", |ready| pipe_of(ready, 200_000)),
    here("pipe, a wait", pipe_wait),
    spawning("pipe between processes, short messages", |ready| echoed(ready, 10)),
    spawning("pipe between processes, long messages", |ready| echoed(ready, 200_000)),
    here("wait_any", wait_for_any),
];

fn queue_between_threads(ready: &dyn Fn()) -> Done {
    let queue = Queue::bounded(2)?;
    ready();
    assert!(matches!(queue.get_for(TICK), Err(GetError::TimedOut)));
    let theirs = queue.clone();
    let thread = Thread::spawn(move || (0..100u64).try_for_each(|n| theirs.put(n)))?;
    for n in 0..100 {
        assert_eq!(queue.get()?, n);
        queue.task_done()?;
    }
    thread.join()??;
    assert!(queue.join_for(TICK), "all is done");
    queue.put(1)?;
    queue.put(2)?;
    assert!(matches!(queue.put_for(3, TICK), Err(PutError::TimedOut(3))));
    queue.close();
    assert!(matches!(queue.put(4), Err(PutError::Closed(4))));
    Ok(())
}

fn queue_between_processes(ready: &dyn Fn()) -> Done {
    fn square((numbers, squares): (Queue<u64>, Queue<u64>)) -> Told<()> {
        loop {
            match numbers.get() {
                Ok(n) => told(squares.put(n * n))?,
                Err(GetError::Closed) => return Ok(()),
                Err(error) => return told(Err(error)),
            }
        }
    }
    let (numbers, squares) = (Queue::bounded(2)?, Queue::bounded(2)?);
    ready();
    let child = Process::spawn(square, (numbers.clone(), squares.clone()))?;
    for n in 0..20 {
        numbers.put(n)?;
        let answer = loop {
            match squares.get_for(TICK) {
                Err(GetError::TimedOut) => {
                    if let Some(ended) = child.try_join() {
                        ended??;
                    }
                }
                answer => break answer?,
            }
        };
        assert_eq!(answer, n * n);
    }
    numbers.close();
    child.join()??;
    Ok(())
}

fn message(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| at as u8).collect()
}

fn pipe_of(ready: &dyn Fn(), bytes: usize) -> Done {
    let (receiver, sender) = pipe()?;
    ready();
    sender.send(message(bytes))?;
    assert!(receiver.poll_for(TICK));
    assert!(receiver.recv()? == message(bytes), "another message arrived than was sent");
    let thread = Thread::spawn(move || sender.send(message(bytes)))?;
    assert!(receiver.recv()? == message(bytes), "another message arrived than was sent");
    thread.join()??;
    assert!(matches!(receiver.recv(), Err(RecvError::Closed)));
    Ok(())
}

fn pipe_wait(ready: &dyn Fn()) -> Done {
    let (receiver, sender) = pipe()?;
    ready();
    match receiver.recv_for(TICK) {
        Err(RecvError::TimedOut) => {}
        Err(error) => return Err(error.into()),
        Ok(()) => panic!("nothing was sent"),
    }
    // Until it is full; then someone makes room.
    let mut sent = 1;
    while sender.try_send(()).is_ok() {
        sent += 1;
    }
    match sender.send_for((), TICK).map_err(|error: SendError<()>| error.into_parts().1) {
        Err(SendCause::TimedOut) => {}
        Err(cause) => return Err(cause.into()),
        Ok(()) => panic!("it was full"),
    }
    let thread = Thread::spawn(move || (0..sent).try_for_each(|_| receiver.recv()))?;
    sender.send(())?;
    thread.join()??;
    Ok(())
}

fn echoed(ready: &dyn Fn(), bytes: usize) -> Done {
    fn echo(line: Connection<Vec<u8>, Vec<u8>>) -> Told<()> {
        let message = told(line.recv())?;
        told(line.send(message))
    }
    let (here, there) = duplex()?;
    ready();
    let child = Process::spawn(echo, there)?;
    match here.send(message(bytes)) {
        Ok(()) => {}
        // The child says why it did not receive it.
        Err(error) if matches!(error.cause(), SendCause::Disconnected) => {}
        Err(error) => return Err(error.into()),
    }
    match here.recv() {
        Ok(answer) => assert!(answer == message(bytes), "another message came than was sent"),
        // The child says why it sent none.
        Err(RecvError::Closed) => {}
        Err(error) => return Err(error.into()),
    }
    child.join()??;
    Ok(())
}

fn wait_for_any(ready: &dyn Fn()) -> Done {
    let (first, one): (Receiver<u32>, Sender<u32>) = pipe()?;
    let (second, two): (Receiver<u32>, Sender<u32>) = pipe()?;
    ready();
    let sources: [&dyn multiproc::Waitable; 2] = [&first, &second];
    assert_eq!(wait_any_for(&sources, TICK)?, []);
    two.send(2)?;
    assert_eq!(wait_any(&sources)?, [1]);
    one.send(1)?;
    assert_eq!(wait_any(&sources)?, [0, 1]);
    assert_eq!((first.recv()?, second.recv()?), (1, 2));
    Ok(())
}
