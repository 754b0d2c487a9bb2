//! For a while, no worker can be started. Tasks wait, or fail when their time is over; afterwards the
//! pool has all its workers again.

use std::collections::BTreeSet;

use super::*;
use crate::gate::all_at_work;
use crate::no_descriptors::NoDescriptors;

/// Soon over for a test, long enough for a start.
const SOON: Duration = Duration::from_millis(50);

fn pool(workers: usize, timeout: Duration) -> Pool {
    Pool::builder().workers(workers).start_timeout(timeout).build().unwrap()
}

/// Kills them and waits until the pool has seen it.
fn kill_all(workers: &[u32]) {
    workers.iter().for_each(|&worker| kill(worker, Signal::SIGKILL));
    workers.iter().for_each(|&worker| wait_until_gone(worker));
}

/// Has all its workers, none of which is one of these.
#[track_caller]
fn assert_renewed(pool: &Pool, old: &[u32]) {
    let now: BTreeSet<u32> = all_at_work(pool).unwrap().into_iter().collect();
    assert_eq!(now.len(), pool.workers());
    assert!(now.is_disjoint(&old.iter().copied().collect()), "{now:?}, before: {old:?}");
}

/// What the system does with the ends of children.
fn children_are(action: libc::sighandler_t) {
    // SAFETY: neither of the two is a handler.
    unsafe { libc::signal(libc::SIGCHLD, action) };
}

#[test]
fn a_pool_works_again_when_sigchld_is_no_longer_ignored() {
    in_own_process(|()| {
        let pool = pool(1, Duration::MAX);
        let worker = pool.apply(pid, ()).unwrap();
        let task = begin_forever(&pool).unwrap();
        children_are(libc::SIG_IGN);
        let waiting = pool.apply_async(square, 3).unwrap();
        kill(worker, Signal::SIGKILL);
        // Nobody learns how it ended.
        assert_eq!(error_of(&task), TaskError::StatusTaken);
        assert!(matches!(Process::spawn(square, 1), Err(Error::ChildrenIgnored)));
        assert!(!waiting.is_ready());
        children_are(libc::SIG_DFL);
        assert_eq!(waiting.get_for(LONG).expect("it is done"), Ok(9));
        assert_renewed(&pool, &[worker]);
    });
}

#[test]
fn tasks_wait_for_a_worker_no_longer_than_the_pool_says() {
    in_own_process(|()| {
        let pool = pool(1, SOON);
        let worker = pool.apply(pid, ()).unwrap();
        let task = begin_forever(&pool).unwrap();
        let waiting = pool.apply_async(square, 1).unwrap();
        let waiting_many = pool.map_async(square, 0..9).unwrap();
        children_are(libc::SIG_IGN);
        kill(worker, Signal::SIGKILL);
        assert_eq!(error_of(&task), TaskError::StatusTaken);
        for error in
            [error_of(&waiting), error_of(&waiting_many), pool.apply(square, 2).unwrap_err()]
        {
            let TaskError::Broken(why) = &error else { panic!("{error}") };
            assert!(why.to_string().contains("SIGCHLD is ignored"), "{why}");
        }
        children_are(libc::SIG_DFL);
        // It goes on trying.
        wait_until(|| pool.apply(square, 4) == Ok(16));
        assert_renewed(&pool, &[worker]);
    });
}

#[test]
fn a_pool_has_all_its_workers_again_when_there_are_descriptors() {
    in_own_process(|()| {
        let pool = pool(3, Duration::MAX);
        let workers = all_at_work(&pool).unwrap();
        let scarce = NoDescriptors::begin();
        kill_all(&workers[..2]);
        // It works with the one that is left, however often.
        for n in 0..50 {
            assert_eq!(pool.apply(pid, ()), Ok(workers[2]), "{n}");
        }
        drop(scarce);
        assert_renewed(&pool, &workers[..2]);

        let workers = all_at_work(&pool).unwrap();
        let scarce = NoDescriptors::begin();
        kill_all(&workers);
        let waiting: Vec<_> = (0..9).map(|n| pool.apply_async(square, n).unwrap()).collect();
        assert!(waiting.iter().all(|task| !task.is_ready()));
        drop(scarce);
        for (n, task) in (0..).zip(&waiting) {
            assert_eq!(task.get_for(LONG).expect("it is done"), Ok(n * n));
        }
        assert_renewed(&pool, &workers);
    });
}

#[test]
fn a_worker_that_ends_before_it_is_ready_is_a_failed_start() {
    in_own_process(|()| {
        let pool = pool(2, SOON);
        let workers = all_at_work(&pool).unwrap();
        // The loader of a fresh process takes this for the C library.
        let place = std::env::temp_dir().join(format!("multiproc-pool-{}", std::process::id()));
        std::fs::create_dir(&place).unwrap();
        std::fs::write(place.join("libc.so.6"), "").unwrap();
        let before = std::env::var_os("LD_LIBRARY_PATH");
        // SAFETY: here and below, all threads of this process read the environment through std.
        unsafe { std::env::set_var("LD_LIBRARY_PATH", &place) };
        kill_all(&workers);
        let error = pool.apply(square, 2).unwrap_err();
        let TaskError::Broken(why) = &error else { panic!("{error}") };
        assert!(
            why.to_string().contains("ended with exit code 127 before it had done anything"),
            "{why}"
        );
        match before {
            // SAFETY: as above.
            Some(before) => unsafe { std::env::set_var("LD_LIBRARY_PATH", before) },
            // SAFETY: as above.
            None => unsafe { std::env::remove_var("LD_LIBRARY_PATH") },
        }
        std::fs::remove_dir_all(place).unwrap();
        wait_until(|| pool.apply(square, 4) == Ok(16));
        assert_renewed(&pool, &workers);
    });
}

#[test]
fn a_pool_whose_first_workers_cannot_be_started_is_not_made() {
    in_own_process(|()| {
        let scarce = NoDescriptors::begin();
        let refused = Pool::new(2).unwrap_err();
        drop(scarce);
        assert!(matches!(refused, Error::Os { .. }), "{refused}");
        children_are(libc::SIG_IGN);
        assert!(matches!(Pool::new(2), Err(Error::ChildrenIgnored)));
    });
}

/// A pool without workers, which can start none until SIGCHLD has its default.
fn in_trouble(timeout: Duration) -> Pool {
    children_are(libc::SIG_DFL);
    let pool = pool(1, timeout);
    let worker = pool.apply(pid, ()).unwrap();
    let task = begin_forever(&pool).unwrap();
    children_are(libc::SIG_IGN);
    kill_all(&[worker]);
    // The pool knows that the worker is gone, and gives it no more.
    assert_eq!(task.get(), Err(TaskError::StatusTaken));
    pool
}

#[test]
fn a_pool_ends_also_while_no_worker_can_be_started() {
    in_own_process(|()| {
        let pool = in_trouble(Duration::MAX);
        let waiting = pool.apply_async(square, 6).unwrap();
        pool.terminate();
        assert_eq!(pool.join(), Ok(()));
        assert_eq!(waiting.try_get(), Some(Err(TaskError::Terminated)));
        assert_eq!(pool.apply(square, 1), Err(TaskError::Terminated));

        let pool = in_trouble(Duration::MAX);
        let waiting = pool.apply_async(square, 6).unwrap();
        drop(pool);
        assert_eq!(waiting.try_get(), Some(Err(TaskError::Terminated)));

        // With nothing to do.
        let pool = in_trouble(Duration::MAX);
        pool.close();
        assert_eq!(pool.join(), Ok(()));
    });
}

#[test]
fn a_closed_pool_does_what_it_has_when_it_can_start_workers_again() {
    in_own_process(|()| {
        let pool = in_trouble(Duration::MAX);
        let waiting = pool.apply_async(square, 6).unwrap();
        pool.close();
        assert_eq!(pool.apply(square, 1), Err(TaskError::Closed));
        children_are(libc::SIG_DFL);
        assert_eq!(pool.join(), Ok(()));
        assert_eq!(waiting.try_get(), Some(Ok(36)));

        // Or when their time is over.
        let pool = in_trouble(SOON);
        let waiting = pool.apply_async(square, 6).unwrap();
        pool.close();
        assert_eq!(pool.join(), Ok(()));
        assert!(matches!(waiting.try_get(), Some(Err(TaskError::Broken(_)))), "{waiting:?}");
    });
}
