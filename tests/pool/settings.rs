//! What a pool's workers are to be.

use std::sync::Mutex;

use multiproc::process::{Limits, StartMethod};
use multiproc::{PoolBuilder, WorkerNotStarted};

use crate::logger::Logger;

use super::*;

const GIB: usize = 1 << 30;

/// One worker, of one GiB.
fn small() -> PoolBuilder {
    Pool::builder().workers(1).limits(Limits::new().memory(GIB as u64))
}

fn take(bytes: usize) -> usize {
    Vec::<u8>::with_capacity(bytes).capacity()
}

#[test]
fn workers_are_named_after_their_pool() -> Nothing {
    let pool = Pool::builder().workers(1).name("resize").build()?;
    let name = |()| process::current().name().to_owned();
    assert_eq!(pool.apply(name, ())?, "resize-1");
    assert_eq!(pool.apply(|code| -> () { std::process::exit(code) }, 3), Err(TaskError::Exited(3)));
    assert_eq!(pool.apply(name, ())?, "resize-2");
    Ok(())
}

#[test]
fn a_task_without_memory_fails_alone_and_says_so() -> Nothing {
    let pool = small().build()?;
    let before = pool.apply(pid, ())?;
    for _ in 0..3 {
        assert_eq!(pool.apply(take, 2 * GIB), Err(TaskError::OutOfMemory));
        assert_eq!(pool.apply(take, 1 << 20)?, 1 << 20);
    }
    assert_ne!(pool.apply(pid, ())?, before);
    // An abort of another reason is told as what it is.
    assert_eq!(pool.apply(|()| std::process::abort(), ()), Err::<(), _>(TaskError::Signaled(6)));
    let error = pool.chunked(2).map(take, [1, 1, 1, 2 * GIB, 1]).unwrap_err();
    assert_eq!(error, TaskError::Items { items: 2..4, source: Box::new(TaskError::OutOfMemory) });
    Ok(())
}

/// Nor is it taken for a worker that cannot be started.
#[test]
fn a_worker_whose_first_task_lacks_memory_is_replaced_at_once() -> Nothing {
    let pool = small().start_timeout(Duration::ZERO).build()?;
    for _ in 0..4 {
        assert_eq!(pool.apply(take, 2 * GIB), Err(TaskError::OutOfMemory));
    }
    Ok(())
}

#[test]
fn a_worker_that_lacks_memory_to_begin_says_so() -> Nothing {
    let pool =
        small().start_timeout(Duration::ZERO).initializer(|n| _ = take(n), 2 * GIB).build()?;
    let error = pool.apply(square, 3).unwrap_err();
    assert_eq!(error, TaskError::Broken(WorkerNotStarted::OutOfMemory));
    Ok(())
}

#[test]
fn a_limit_that_cannot_be_had_is_refused() {
    let limits = Limits::new().open_files(u64::MAX - 1);
    let refused = Pool::builder().workers(1).limits(limits).build().unwrap_err();
    assert!(matches!(refused, Error::LimitTooHigh { .. }), "{refused}");
}

#[test]
fn what_workers_log_comes_to_this_process() {
    static HEARD: Mutex<Vec<String>> = Mutex::new(Vec::new());
    in_own_process(|()| {
        Logger::set(log::LevelFilter::Info, |record| {
            HEARD.lock().unwrap().push(record.args().to_string());
        });
        let pool = Pool::builder().workers(1).forward_logs(true).build().unwrap();
        let say = |n: i32| {
            log::info!("task {n}");
            if n == 2 {
                std::process::exit(2);
            }
        };
        let results: Vec<_> = pool.imap(say, 0..5).unwrap().collect();
        assert_eq!(results[2], Err(TaskError::Exited(2)));
        pool.close();
        pool.join().unwrap();
        let heard = HEARD.lock().unwrap();
        for (n, worker) in [(0, 1), (1, 1), (2, 1), (3, 2), (4, 2)] {
            let text = format!("PoolWorker-{worker}: task {n}");
            assert_eq!(heard.iter().filter(|heard| **heard == text).count(), 1, "{heard:?}");
        }
    });
}

#[test]
fn workers_of_a_fork_server_are_as_others() -> Nothing {
    let builder = Pool::builder().workers(2).start_method(StartMethod::ForkServer);
    let pool = builder.max_tasks_per_worker(3).limits(Limits::new().memory(GIB as u64)).build()?;
    assert_eq!(pool.map(square, 0..200)?, (0..200).map(square).collect::<Vec<_>>());
    assert_eq!(pool.apply(take, 2 * GIB), Err(TaskError::OutOfMemory));
    let task = begin_forever(&pool)?;
    assert!(task.cancel());
    assert_eq!(pool.apply(|code| -> () { std::process::exit(code) }, 3), Err(TaskError::Exited(3)));
    pool.close();
    pool.join()?;
    Ok(())
}
