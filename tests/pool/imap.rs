//! Results one by one, while others are under way.

use std::cell::Cell;

use crate::gate::{Gate, pass};

use super::*;

/// What a pool has in flight for each worker.
const AHEAD: usize = 4;

#[test]
fn results_come_in_order_of_any_number_of_items() -> Nothing {
    let pool = Pool::new(2)?;
    for count in [0, 1, 7, 8, 9, 1000] {
        for chunk in [1, 3, 1000] {
            let results: Result<Vec<_>, _> = pool.chunked(chunk).imap(square, 0..count)?.collect();
            assert!(results?.into_iter().eq((0..count).map(square)), "{count} by {chunk}");
            let mut results: Vec<_> =
                pool.chunked(chunk).imap_unordered(square, 0..count)?.collect();
            results.sort_by_key(|(place, _)| *place);
            let expected = (0..count).map(|n| (n as usize, Ok(square(n))));
            assert!(results.into_iter().eq(expected), "{count} by {chunk}");
        }
    }
    Ok(())
}

/// No more items are taken than are in flight.
#[test]
fn an_iterator_without_end_is_taken_as_results_are() -> Nothing {
    let pool = Pool::new(2)?;
    let taken = Cell::new(0);
    let items = || (0..).inspect(|_| taken.set(taken.get() + 1));
    let mut results = pool.imap(square, items())?;
    assert_eq!(taken.get(), 0, "nothing is done before the first next");
    for n in 0..100u64 {
        assert_eq!(results.next(), Some(Ok(n * n)));
        assert!(taken.get() <= n as usize + AHEAD * 2, "{n}: {taken:?}");
    }
    drop(results);
    taken.set(0);
    let mut results = pool.chunked(10).imap_unordered(square, items())?;
    for n in 0..100 {
        let (place, result) = results.next().expect("it has no end");
        assert_eq!(result, Ok(square(place as u64)));
        assert!(taken.get() <= n + (AHEAD * 2 + 1) * 10, "{n}: {taken:?}");
    }
    Ok(())
}

#[test]
fn unordered_results_are_not_held_up_by_one() -> Nothing {
    let pool = Pool::new(2)?;
    let gate = Gate::new();
    let task = |(way, n): (Option<gate::Way>, u64)| match way {
        Some(way) => pass((way, n)).0,
        None => n,
    };
    let first = [(Some(gate.way()), 0)].into_iter();
    let mut results = pool.imap_unordered(task, first.chain((1..50).map(|n| (None, n))))?;
    for _ in 1..50 {
        let (place, result) = results.next().expect("49 others go on");
        assert_ne!(place, 0);
        assert_eq!(result, Ok(place as u64));
    }
    gate.await_arrivals(1);
    gate.let_through(1);
    assert_eq!(results.next(), Some((0, Ok(0))));
    assert_eq!((results.next(), results.next()), (None, None));
    Ok(())
}

#[test]
fn each_item_has_its_own_error() -> Nothing {
    let pool = Pool::new(2)?;
    let picky = |n: u32| match n {
        3 => panic!("not 3"),
        8 => std::process::exit(8),
        _ => n,
    };
    let results: Vec<_> = pool.imap(picky, 0..12)?.collect();
    assert_eq!(results.len(), 12);
    for (n, result) in (0..).zip(results) {
        match n {
            3 => assert!(matches!(result, Err(TaskError::Panicked { .. })), "{result:?}"),
            8 => assert_eq!(result, Err(TaskError::Exited(8))),
            _ => assert_eq!(result, Ok(n)),
        }
    }
    // In a chunk, what ends the worker strikes all of it.
    let results: Vec<_> = pool.chunked(4).imap(picky, 0..14)?.collect();
    assert_eq!(results.len(), 14);
    for (n, result) in (0..).zip(results) {
        match n {
            3 => assert!(matches!(result, Err(TaskError::Panicked { .. })), "{result:?}"),
            8..12 => {
                let source = Box::new(TaskError::Exited(8));
                assert_eq!(result, Err(TaskError::Items { items: 8..12, source }));
            }
            _ => assert_eq!(result, Ok(n)),
        }
    }
    Ok(())
}

#[test]
fn an_item_that_cannot_be_sent_fails_alone() -> Nothing {
    let pool = Pool::new(1)?;
    for chunk in [1, 3] {
        let items = (0..9).map(|n| if n == 4 { Err(Odd { written: false }) } else { Ok(n) });
        let double = |n: Result<u32, Odd>| n.unwrap_or(0) * 2;
        let results: Vec<_> = pool.chunked(chunk).imap(double, items)?.collect();
        assert_eq!(results.len(), 9);
        for (n, result) in (0..).zip(results) {
            match n {
                4 => assert!(matches!(result, Err(TaskError::Argument(_))), "{result:?}"),
                _ => assert_eq!(result, Ok(n * 2)),
            }
        }
    }
    Ok(())
}

/// What no worker has begun is never begun.
#[test]
fn dropping_the_results_cancels_what_has_not_begun() -> Nothing {
    let pool = Pool::new(1)?;
    let gate = Gate::new();
    let blocker = pool.apply_async(pass, (gate.way(), 0))?;
    gate.await_arrivals(1);
    let other = Gate::new();
    // The first one cannot be sent: so the others are under way when it is there.
    let odd = [Err(Odd { written: false })].into_iter();
    let items = odd.chain((0..10).map(|n| Ok((other.way(), n))));
    let task = |item: Result<(gate::Way, u64), Odd>| _ = item.map(pass);
    let mut results = pool.imap(task, items)?;
    assert!(matches!(results.next(), Some(Err(TaskError::Argument(_)))));
    drop(results);
    gate.let_through(1);
    assert_eq!(blocker.get_for(LONG).expect("it is through")?.0, 0);
    assert_eq!(pool.apply(square, 3)?, 9);
    assert!(other.is_without_arrivals());
    Ok(())
}

#[test]
fn a_pool_that_is_closed_or_gone_ends_the_results() -> Nothing {
    for (end, error) in
        [(Pool::close as fn(&Pool), TaskError::Closed), (Pool::terminate, TaskError::Terminated)]
    {
        let pool = Pool::new(1)?;
        let mut results = pool.chunked(2).imap_unordered(square, 0..)?;
        assert!(results.next().is_some());
        end(&pool);
        let rest: Vec<_> = results.by_ref().collect();
        assert!(rest.iter().any(|(_, result)| result.as_ref() == Err(&error)), "{rest:?}");
        assert!(rest.len() <= 2 * (AHEAD + 1), "{rest:?}");
        assert!(results.next().is_none());
    }
    let results = Pool::new(1)?.imap(square, 0..)?;
    assert!(results.eq([Err(TaskError::Terminated)]), "the pool is gone, and they tell so");
    Ok(())
}
