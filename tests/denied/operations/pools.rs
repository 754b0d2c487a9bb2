//! Pools.

use std::time::Duration;

use multiproc::{Pool, TaskError};

use super::{Done, Operation, TICK, spawning};

pub(super) const ALL: &[Operation] = &[
    spawning("pool: map, close, join", map),
    spawning("pool: apply, terminate, join", apply_and_terminate),
    spawning("pool: dropped at work", drop_at_work),
    spawning("pool: a worker is killed", lose_a_worker),
    spawning("pool: long arguments and results", map_much),
    spawning("end with a pool at work", |_| end_with_one()),
];

/// One that does not wait long where its workers cannot be started.
fn pool(workers: usize) -> Result<Pool, multiproc::Error> {
    Pool::builder().workers(workers).start_timeout(Duration::from_secs(2)).build()
}

fn square(n: u64) -> u64 {
    n * n
}

fn forever((): ()) {
    loop {
        std::thread::park();
    }
}

fn map(ready: &dyn Fn()) -> Done {
    let pool = pool(2)?;
    ready();
    assert!(pool.map(square, 0..50)?.into_iter().eq((0..50).map(square)));
    pool.close();
    pool.join()?;
    assert!(matches!(pool.apply(square, 1), Err(TaskError::Closed)));
    Ok(())
}

fn apply_and_terminate(ready: &dyn Fn()) -> Done {
    let pool = pool(1)?;
    ready();
    assert_eq!(pool.apply(square, 7)?, 49);
    let at_work = pool.apply_async(forever, ())?;
    if let Some(ended) = at_work.get_for(TICK) {
        return Err(ended.expect_err("it does not end by itself").into());
    }
    pool.terminate();
    pool.join()?;
    match at_work.get() {
        Err(TaskError::Terminated | TaskError::Signaled(9)) => Ok(()),
        Err(error) => Err(error.into()),
        Ok(()) => panic!("it does not end by itself"),
    }
}

fn drop_at_work(ready: &dyn Fn()) -> Done {
    let pool = pool(2)?;
    ready();
    let at_work = pool.apply_async(forever, ())?;
    if let Some(ended) = at_work.get_for(TICK) {
        return Err(ended.expect_err("it does not end by itself").into());
    }
    drop(pool);
    Ok(())
}

fn lose_a_worker(ready: &dyn Fn()) -> Done {
    fn fall(_: u64) -> u64 {
        // SAFETY: it ends the process, whatever its state.
        unsafe { libc::_exit(3) }
    }
    let pool = pool(1)?;
    ready();
    match pool.apply(fall, 1) {
        Err(TaskError::Exited(3)) => {}
        Err(error) => return Err(error.into()),
        Ok(value) => panic!("it gave {value}"),
    }
    assert_eq!(pool.apply(square, 3)?, 9);
    pool.close();
    pool.join()?;
    Ok(())
}

fn map_much(ready: &dyn Fn()) -> Done {
    let pool = pool(2)?;
    ready();
    let much = pool.map(|n: u64| vec![n; 30_000], 0..4)?;
    assert!(much.iter().zip(0..).all(|(much, n)| *much == vec![n; 30_000]));
    Ok(())
}

fn end_with_one() -> Done {
    let pool = pool(1)?;
    let at_work = pool.apply_async(forever, ())?;
    std::mem::forget(pool);
    match at_work.get_for(TICK) {
        None => Ok(()),
        Some(ended) => Err(ended.expect_err("it does not end by itself").into()),
    }
}
