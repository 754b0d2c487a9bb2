//! Results in the order in which they come: callbacks, `as_completed`, futures, `wait_any`.

use std::sync::mpsc;

use multiproc::{Event, as_completed, wait_any, wait_any_for};

use crate::gate::{Gate, pass};

use super::*;

#[test]
fn results_come_in_the_order_of_their_completion() -> Nothing {
    let pool = Pool::new(2)?;
    let (slow, slower) = (Gate::new(), Gate::new());
    let ways = [Some(slower.way()), Some(slow.way()), None, None];
    let task = |(way, n): (Option<gate::Way>, u64)| match way {
        Some(way) => pass((way, n)).0,
        None => n,
    };
    let give = |(n, way)| pool.apply_async(task, (way, n));
    let results = (0..).zip(ways).map(give).collect::<Result<Vec<_>, _>>()?;
    slow.await_arrivals(1);
    slower.await_arrivals(1);
    let mut completed = as_completed(results);
    assert_eq!(completed.len(), 4);
    slow.let_through(1);
    assert_eq!(completed.next(), Some((1, Ok(1))));
    assert_eq!((completed.next(), completed.next()), (Some((2, Ok(2))), Some((3, Ok(3)))));
    slower.let_through(1);
    assert_eq!((completed.next(), completed.next()), (Some((0, Ok(0))), None));
    Ok(())
}

/// Also those that have no place at first.
#[test]
fn any_number_of_results_come() -> Nothing {
    let pool = Pool::new(2)?;
    let results = (0..2_000).map(|n| pool.apply_async(square, n)).collect::<Result<Vec<_>, _>>()?;
    let mut completed: Vec<_> = as_completed(results).collect();
    completed.sort_by_key(|(place, _)| *place);
    assert!(completed.into_iter().eq((0..2_000).map(|n| (n as usize, Ok(square(n))))));
    Ok(())
}

#[test]
fn results_of_a_pool_that_goes_come_with_that_error() -> Nothing {
    let pool = Pool::new(1)?;
    let results = (0..600).map(|_| pool.apply_async(forever, ())).collect::<Result<Vec<_>, _>>()?;
    let waits = thread::spawn(|| as_completed(results).collect::<Vec<_>>());
    drop(pool);
    let results = waits.join().expect("it does not panic");
    assert_eq!(results.len(), 600);
    assert!(results.iter().all(|(_, result)| *result == Err(TaskError::Terminated)));
    Ok(())
}

#[test]
fn a_callback_is_called_once_with_each_result() -> Nothing {
    let pool = Pool::new(2)?;
    let (sender, receiver) = mpsc::channel();
    for n in 0..500u64 {
        let sender = sender.clone();
        let result = pool.apply_async(|n: u64| if n == 7 { panic!("not 7") } else { n }, n)?;
        result.on_done(move |result| sender.send((n, result)).expect("the test receives"))?;
        if n % 2 == 0 {
            // Who also has the result, gets it too.
            assert_eq!(result.get_for(LONG), Some(Ok(n)));
        }
    }
    drop(sender);
    pool.close();
    // It waits for the callbacks.
    pool.join()?;
    let mut all: Vec<_> = receiver.try_iter().collect();
    all.sort_by_key(|(n, _)| *n);
    assert_eq!(all.len(), 500);
    for (n, (of, result)) in (0..).zip(all) {
        assert_eq!(n, of);
        match n {
            7 => assert!(matches!(result, Err(TaskError::Panicked { .. }))),
            _ => assert_eq!(result, Ok(n)),
        }
    }
    Ok(())
}

#[test]
fn callbacks_of_a_pool_that_goes_are_called() -> Nothing {
    let pool = Pool::new(1)?;
    let (sender, receiver) = mpsc::channel();
    for _ in 0..300 {
        let sender = sender.clone();
        let callback = move |result| sender.send(result).expect("the test receives");
        pool.apply_async(forever, ())?.on_done(callback)?;
    }
    drop((pool, sender));
    assert!((0..300).all(|_| receiver.recv_timeout(LONG) == Ok(Err(TaskError::Terminated))));
    assert!(receiver.recv_timeout(LONG).is_err(), "each was called once");
    Ok(())
}

/// Neither does it harm the pool, nor the other callbacks; a blocked one holds these up alone.
#[test]
fn a_callback_that_panics_or_blocks_harms_nobody() -> Nothing {
    let pool = Arc::new(Pool::new(1)?);
    let (release, released) = mpsc::channel::<()>();
    let (sender, receiver) = mpsc::channel();
    pool.apply_async(square, 1)?.on_done(|_| panic!("a callback"))?;
    let blocked = sender.clone();
    pool.apply_async(square, 2)?.on_done(move |_| {
        blocked.send(0).expect("the test receives");
        let _ = released.recv_timeout(LONG);
    })?;
    assert_eq!(receiver.recv_timeout(LONG), Ok(0));
    // It blocks: a worker is replaced, and tasks are done.
    let used = pool.clone();
    pool.apply_async(square, 3)?.on_done(move |_| {
        // A callback may use the pool, and give others.
        let again = sender.clone();
        let result = used.apply_async(square, 5).expect("it is open");
        let callback = move |result: Result<u64, TaskError>| {
            again.send(result.expect("a square")).expect("the test receives")
        };
        result.on_done(callback).expect("the thread is there");
        sender.send(used.apply(square, 4).expect("it is open")).expect("the test receives");
    })?;
    assert_eq!(pool.apply(|code| -> () { std::process::exit(code) }, 3), Err(TaskError::Exited(3)));
    assert_eq!(pool.apply(square, 6)?, 36);
    assert!(receiver.try_recv().is_err(), "the callback behind the one that blocks waits");
    release.send(())?;
    assert_eq!(receiver.recv_timeout(LONG), Ok(16));
    assert_eq!(receiver.recv_timeout(LONG), Ok(25));
    Ok(())
}

#[test]
fn a_callback_may_end_its_pool() -> Nothing {
    let pool = Arc::new(Pool::new(1)?);
    let (sender, receiver) = mpsc::channel();
    let theirs = pool.clone();
    pool.apply_async(square, 3)?.on_done(move |result| {
        theirs.terminate();
        let joined = theirs.join();
        sender.send((result, joined)).expect("the test receives");
    })?;
    assert_eq!(receiver.recv_timeout(LONG), Ok((Ok(9), Ok(()))));
    Ok(())
}

#[test]
fn a_result_is_waited_for_together_with_others() -> Nothing {
    let pool = Pool::new(2)?;
    let gate = Gate::new();
    let event = Event::new();
    let result = pool.apply_async(pass, (gate.way(), 4))?;
    let many = pool.map_async(square, 0..2_000)?;
    gate.await_arrivals(1);
    assert_eq!(wait_any(&[&result, &event, &many])?, [2]);
    assert_eq!(wait_any_for(&[&result, &event], Duration::ZERO)?, []);
    gate.let_through(1);
    assert_eq!(wait_any(&[&event, &result])?, [1]);
    assert_eq!(result.get()?.0, 4);
    Ok(())
}

#[cfg(not(loom))]
#[test]
fn results_are_futures() -> Nothing {
    use std::pin::Pin;
    use std::task::Poll;

    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let pool = Pool::new(2)?;
    let gate = Gate::new();
    let mut slow = pool.apply_async(pass, (gate.way(), 8))?;
    gate.await_arrivals(1);
    let is_pending = |slow: &mut AsyncResult<_>| {
        let look = std::future::poll_fn(|context| {
            Poll::Ready(Pin::new(&mut *slow).poll(context).is_pending())
        });
        runtime.block_on(look)
    };
    assert!(is_pending(&mut slow));
    // One that is waited for, and dropped.
    let mut dropped = pool.apply_async(pass, (gate.way(), 9))?;
    gate.await_arrivals(1);
    assert!(is_pending(&mut dropped));
    drop(dropped);
    gate.let_through(2);
    assert_eq!(runtime.block_on(&mut slow)?.0, 8);
    assert_eq!(runtime.block_on(&mut slow)?.0, 8, "it can be awaited again");
    // Whose worker dies; which is cancelled; whose pool is gone; a map.
    let exits = pool.apply_async(|code| -> () { std::process::exit(code) }, 5)?;
    assert_eq!(runtime.block_on(exits), Err(TaskError::Exited(5)));
    assert!(
        runtime.block_on(pool.map_async(square, 0..2_000)?)?.into_iter().eq((0..2_000).map(square))
    );
    let mut endless = [pool.apply_async(forever, ())?, pool.apply_async(forever, ())?];
    let [first, second] = &mut endless;
    let canceller = async { first.cancel() };
    assert!(runtime.block_on(canceller));
    assert_eq!(runtime.block_on(first), Err(TaskError::Cancelled));
    let ender = thread::spawn(move || drop(pool));
    assert_eq!(runtime.block_on(second), Err(TaskError::Terminated));
    ender.join().expect("it does not panic");
    Ok(())
}
