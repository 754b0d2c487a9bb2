//! Of which item an error of a map is.

use std::error::Error as _;
use std::ops::Range;

use super::*;

fn items_of(error: TaskError) -> (Range<usize>, TaskError) {
    match error {
        TaskError::Items { items, source } => (items, *source),
        error => panic!("{error}"),
    }
}

#[test]
fn a_panic_of_a_map_is_of_one_item() -> Nothing {
    let pool = Pool::new(2)?;
    let picky = |n: usize| if n == 77 { panic!("not {n}") } else { n };
    for chunk in [1, 7, 78, 1000] {
        let error = pool.chunked(chunk).map(picky, 0..100).unwrap_err();
        assert_eq!(error.to_string(), "the map failed at item 77 (counted from 0)");
        assert_eq!(
            error.source().map(ToString::to_string),
            Some(items_of(error.clone()).1.to_string())
        );
        let (items, source) = items_of(error);
        assert_eq!(items, 77..78);
        assert!(matches!(source, TaskError::Panicked { message, .. } if message == "not 77"));
    }
    Ok(())
}

#[test]
fn a_worker_that_dies_in_a_map_strikes_one_chunk() -> Nothing {
    let pool = Pool::new(2)?;
    let leave = |n: i32| if n == 13 { std::process::exit(3) } else { n };
    let error = pool.chunked(5).map(leave, 0..18).unwrap_err();
    assert_eq!(error.to_string(), "the map failed at one of the items 10 to 14 (counted from 0)");
    assert_eq!(items_of(error), (10..15, TaskError::Exited(3)));
    let error = pool.chunked(10).map(leave, 0..18).unwrap_err();
    assert_eq!(items_of(error), (10..18, TaskError::Exited(3)));
    let error = pool.chunked(0).map(leave, 0..18).unwrap_err();
    assert_eq!(items_of(error), (13..14, TaskError::Exited(3)));
    Ok(())
}

#[test]
fn an_item_that_cannot_be_sent_is_named() -> Nothing {
    let pool = Pool::new(1)?;
    let items = || (0..9).map(|n| Odd { written: n != 4 });
    for error in [
        pool.map(|_: Odd| (), items()).unwrap_err(),
        pool.map_results(|_: Odd| (), items()).unwrap_err(),
    ] {
        let (items, source) = items_of(error);
        assert_eq!(items, 4..5);
        assert!(matches!(source, TaskError::Argument(_)), "{source}");
    }
    Ok(())
}

/// What strikes the pool is no item's.
#[test]
fn the_end_of_a_pool_is_not_told_of_items() -> Nothing {
    let pool = Pool::new(1)?;
    let map = pool.map_async(|_: u8| forever(()), 0..9)?;
    assert!(map.cancel());
    assert_eq!(map.get(), Err(TaskError::Cancelled));
    pool.close();
    assert_eq!(pool.map(square, 0..9), Err(TaskError::Closed));
    Ok(())
}
