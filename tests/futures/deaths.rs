//! Peers that are killed.

use multiproc::process::ExitStatus;
use multiproc::{Event, Process, ProcessError, Queue, RecvError, Sender, Shared, duplex, pipe};
use tokio::runtime::Builder;

use crate::Nothing;
use crate::block_on::block_on;
use crate::linger::for_ever;

#[test]
fn the_end_of_a_killed_sender_is_received() -> Nothing {
    let (receiver, sender) = pipe::<u32>()?;
    let child = Process::spawn(
        |sender: Sender<u32>| {
            sender.send(1).unwrap();
            for_ever();
        },
        sender,
    )?;
    assert_eq!(block_on(receiver.recv_async())?, 1);
    let runtime = Builder::new_current_thread().build()?;
    let (received, joined) = runtime.block_on(async {
        tokio::join!(receiver.recv_async(), async {
            child.kill().unwrap();
            child.join_async().await
        })
    });
    assert!(matches!(received, Err(RecvError::Closed)), "{received:?}");
    assert!(matches!(joined, Err(ProcessError::Signaled(9))), "{joined:?}");
    Ok(())
}

/// It is killed while futures wait for what it puts; the queue goes on with another.
#[test]
fn a_killed_producer_leaves_the_queue_to_the_next() -> Nothing {
    let queue = Queue::bounded(4)?;
    let produce = |queue: Queue<u32>| (0..).try_for_each(|n| queue.put(n)).is_ok();
    let runtime = Builder::new_current_thread().enable_time().build()?;
    for _ in 0..20 {
        let child = Process::spawn(produce, queue.clone())?;
        runtime.block_on(async {
            for _ in 0..100 {
                queue.get_async().await.unwrap();
            }
            child.kill().unwrap();
            assert_eq!(child.wait_async().await, Some(ExitStatus::Signaled(9)));
        });
        while queue.try_get().is_ok() {}
    }
    queue.put(7)?;
    assert_eq!(block_on(queue.get_async())?, 7);
    Ok(())
}

#[test]
fn what_another_process_does_is_waited_for() -> Nothing {
    let (here, there) = duplex::<u32, u32>()?;
    let ready = Shared::new(Event::new())?;
    let child = Process::spawn(
        |(there, ready): (multiproc::Connection<u32, u32>, Shared<Event>)| {
            block_on(async {
                let n = there.recv_async().await.unwrap();
                there.send_async(n * 2).await.unwrap();
                ready.set();
                n
            })
        },
        (there, ready.clone()),
    )?;
    let runtime = Builder::new_current_thread().build()?;
    runtime.block_on(async {
        here.send_async(21).await?;
        assert_eq!(here.recv_async().await?, 42);
        ready.wait_async().await;
        assert_eq!(child.join_async().await?, 21);
        assert!(matches!(child.join_async().await, Err(ProcessError::AlreadyJoined)));
        assert!(child.wait_async().await.is_some_and(|status| status.success()));
        Ok(())
    })
}
