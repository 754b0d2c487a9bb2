//! Queues and receivers as streams.

use std::future::poll_fn;
use std::pin::Pin;
use std::thread;

use futures_core::Stream;
use multiproc::{GetError, IncomingStream, Queue, Receiver, Sender, pipe};

use crate::Nothing;
use crate::block_on::block_on;

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|context| Pin::new(&mut *stream).poll_next(context)).await
}

#[test]
fn a_queue_gives_its_values_and_ends_when_it_is_closed() -> Nothing {
    let queue = Queue::bounded(2)?;
    let producer = queue.clone();
    let putting = thread::spawn(move || {
        (0..100).for_each(|n| producer.put(n).unwrap());
        producer.close();
    });
    let mut stream = queue.into_stream();
    let values = block_on(async {
        let mut values: Vec<u32> = Vec::new();
        while let Some(value) = next(&mut stream).await {
            values.push(value?);
        }
        Ok::<_, GetError>(values)
    })?;
    assert!(values.into_iter().eq(0..100));
    assert!(block_on(next(&mut stream)).is_none(), "for good");
    putting.join().unwrap();
    Ok(())
}

#[test]
fn what_is_no_value_is_an_item_and_the_next_comes_after_it() -> Nothing {
    // The other end sends what it takes for numbers.
    let (receiver, sender) = pipe::<String>()?;
    sender.send("one".into())?;
    drop::<Sender<String>>(sender);
    let receiver: Receiver<String> = receiver;
    let mut stream: IncomingStream<&Receiver<String>> = receiver.stream();
    assert_eq!(block_on(next(&mut stream)).unwrap()?, "one");
    assert!(block_on(next(&mut stream)).is_none());
    Ok(())
}
