//! A pool where a thread's last code runs: in the drop of a thread-local, after other thread-locals are
//! gone.

use std::cell::RefCell;

use super::*;

struct Last(fn(Pool), Option<Pool>);

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(pool) = self.1.take() {
            (self.0)(pool);
        }
    }
}

thread_local! {
    static LAST: RefCell<Last> = const { RefCell::new(Last(drop, None)) };
}

/// Has a thread run `last` when it ends, with a pool of its own.
fn at_its_end(last: fn(Pool)) {
    let thread = thread::spawn(move || {
        // First of all, so that it is dropped last.
        LAST.with_borrow_mut(|own| own.0 = last);
        let pool = Pool::new(1).unwrap();
        assert_eq!(pool.apply(square, 1), Ok(1));
        assert_eq!(pool.map(square, 0..3), Ok(vec![0, 1, 4]));
        LAST.with_borrow_mut(|own| own.1 = Some(pool));
    });
    thread.join().unwrap();
}

#[test]
fn a_thread_local_may_use_a_pool_as_it_is_dropped() {
    in_own_process(|()| {
        at_its_end(drop);
        at_its_end(|pool| {
            assert_eq!(pool.apply(square, 3), Ok(9));
            assert_eq!(pool.map(square, 0..3), Ok(vec![0, 1, 4]));
            pool.close();
            assert_eq!(pool.join(), Ok(()));
        });
    });
}

#[test]
fn a_thread_local_may_make_a_pool_as_it_is_dropped() {
    in_own_process(|()| {
        at_its_end(|_| {
            let new = Pool::new(1).unwrap();
            assert_eq!(new.apply(square, 3), Ok(9));
        });
    });
}
