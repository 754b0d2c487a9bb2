//! Tasks that are ended before they end, and workers that end after so many.

use std::collections::BTreeSet;

use multiproc::WorkerNotStarted;

use super::*;
use crate::gate::{Gate, all_at_work, pass};

#[test]
fn a_task_that_runs_too_long_fails_alone() -> Nothing {
    let pool = Pool::builder().workers(2).task_timeout(Duration::from_millis(30)).build()?;
    for n in 0..5 {
        let endless = pool.apply_async(forever, ())?;
        let next: Vec<_> =
            (0..20).map(|n| pool.apply_async(square, n)).collect::<Result<_, _>>()?;
        for (n, result) in (0..).zip(next) {
            assert_eq!(result.get_for(LONG).expect("it does not hang"), Ok(n * n));
        }
        assert_eq!(error_of(&endless), TaskError::TimedOut, "{n}");
    }
    // Also one that nobody asks for, while nothing else is given.
    drop(pool.apply_async(forever, ())?);
    drop(pool.apply_async(forever, ())?);
    assert_eq!(pool.apply(square, 9)?, 81);
    Ok(())
}

#[test]
fn time_is_counted_from_when_a_task_has_begun() -> Nothing {
    let pool = Pool::builder().workers(1).task_timeout(Duration::from_millis(200)).build()?;
    let briefly = |()| {
        let end = Instant::now() + Duration::from_millis(5);
        while Instant::now() < end {
            std::hint::spin_loop();
        }
    };
    // Together they take longer than one may.
    let tasks: Vec<_> = (0..80).map(|_| pool.apply_async(briefly, ())).collect::<Result<_, _>>()?;
    for task in tasks {
        assert_eq!(task.get_for(LONG).expect("it does not hang"), Ok(()));
    }
    Ok(())
}

#[test]
fn a_task_that_is_cancelled_never_begins_or_its_worker_is_killed() -> Nothing {
    let pool = Pool::new(1)?;
    for _ in 0..5 {
        let worker = pool.apply(pid, ())?;
        let running = begin_forever(&pool)?;
        let gate = Gate::new();
        let queued = pool.apply_async(pass, (gate.way(), 1))?;
        let last = pool.apply_async(square, 3)?;
        assert!(queued.cancel());
        assert!(!queued.cancel(), "it has ended");
        assert_eq!(queued.try_get(), Some(Err(TaskError::Cancelled)));
        assert!(running.cancel());
        assert_eq!(error_of(&running), TaskError::Cancelled);
        assert_eq!(last.get_for(LONG).expect("it does not hang"), Ok(9));
        assert!(!last.cancel(), "it is done");
        assert_ne!(pool.apply(pid, ())?, worker);
        gate.let_through(1);
        assert!(gate.is_without_arrivals(), "what was cancelled has begun");
    }
    Ok(())
}

#[test]
fn a_map_is_cancelled_as_a_whole() -> Nothing {
    let pool = Pool::new(2)?;
    let map = pool.map_async(|_: u8| forever(()), 0..100)?;
    assert!(map.cancel());
    assert_eq!(error_of(&map), TaskError::Cancelled);
    assert_eq!(pool.map(square, 0..3)?, [0, 1, 4]);
    Ok(())
}

/// Far more than have room in the memory that is shared: the first, the last and some in between.
#[test]
fn tasks_that_wait_for_room_are_cancelled_too() -> Nothing {
    let pool = Pool::new(1)?;
    let running = begin_forever(&pool)?;
    let tasks: Vec<_> = (0..2000).map(|n| pool.apply_async(square, n)).collect::<Result<_, _>>()?;
    let is_cancelled = |n: usize| n.is_multiple_of(7) || n == 1999;
    for (n, task) in tasks.iter().enumerate().filter(|(n, _)| is_cancelled(*n)) {
        assert!(task.cancel(), "{n}");
    }
    assert!(running.cancel());
    for (n, task) in tasks.iter().enumerate() {
        let result = task.get_for(LONG).expect("it does not hang");
        let expected = if is_cancelled(n) { Err(TaskError::Cancelled) } else { Ok((n * n) as u64) };
        assert_eq!(result, expected, "{n}");
    }
    Ok(())
}

#[test]
fn a_worker_ends_after_so_many_tasks() -> Nothing {
    let pool = Pool::builder().workers(2).max_tasks_per_worker(3).build()?;
    let tasks: Vec<_> = (0..60).map(|_| pool.apply_async(pid, ())).collect::<Result<_, _>>()?;
    let mut done = std::collections::BTreeMap::new();
    for task in tasks {
        *done.entry(task.get_for(LONG).expect("it does not hang")?).or_insert(0) += 1;
    }
    assert!(done.values().all(|&tasks| tasks <= 3), "{done:?}");
    pool.close();
    pool.join()?;
    Ok(())
}

#[test]
fn each_worker_is_initialized_before_its_first_task() -> Nothing {
    use std::sync::OnceLock;
    static WHAT: OnceLock<String> = OnceLock::new();
    let pool = Pool::builder()
        .workers(2)
        .initializer(|what: String| WHAT.set(what).expect("once"), "tea".to_owned())
        .build()?;
    let what = |()| WHAT.get().cloned();
    let workers: BTreeSet<u32> = all_at_work(&pool)?.into_iter().collect();
    assert_eq!(workers.len(), 2);
    kill(*workers.first().expect("two"), Signal::SIGKILL);
    for _ in 0..20 {
        assert_eq!(pool.apply(what, ())?.as_deref(), Some("tea"));
    }
    Ok(())
}

#[test]
fn an_initializer_that_panics_breaks_the_pool_with_the_cause() -> Nothing {
    // Far longer than the pool takes.
    let pool = Pool::builder()
        .workers(2)
        .start_timeout(Duration::MAX)
        .initializer(|n: u32| panic!("no {n}"), 7)
        .build()?;
    let error = error_of(&pool.apply_async(square, 2)?);
    let TaskError::Broken(WorkerNotStarted::Initializer { message, location }) = error else {
        panic!("{error}");
    };
    assert_eq!(message, "no 7");
    assert!(location.is_some_and(|location| location.contains("ends.rs")));
    pool.close();
    pool.join()?;
    Ok(())
}

#[test]
fn each_item_of_a_map_has_its_own_result() -> Nothing {
    let pool = Pool::new(2)?;
    let picky = |n: u64| match n {
        3 => panic!("not {n}"),
        5 => std::process::exit(4),
        n => n * 2,
    };
    let results = pool.map_results(picky, 0..600)?;
    assert_eq!(results.len(), 600);
    for (n, result) in (0..).zip(results) {
        match n {
            3 => assert!(matches!(result, Err(TaskError::Panicked { .. })), "{result:?}"),
            5 => assert_eq!(result, Err(TaskError::Exited(4))),
            n => assert_eq!(result, Ok(n * 2)),
        }
    }
    Ok(())
}
