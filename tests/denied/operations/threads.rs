//! Threads.

use multiproc::{Event, Thread, ThreadError, thread};
use std::sync::Arc;

use super::{Done, Operation, TICK, here};

pub(super) const ALL: &[Operation] = &[
    here("thread", start_and_join),
    here("thread, renamed", rename),
    here("thread, a panic", panics),
    here("end with a thread", |_| end_with_one(false)),
    here("end with a daemonic thread", |_| end_with_one(true)),
];

fn start_and_join(ready: &dyn Fn()) -> Done {
    ready();
    let go = Arc::new(Event::new());
    let theirs = go.clone();
    let thread = Thread::spawn(move || {
        theirs.wait();
        7
    })?;
    assert!(thread.join_for(TICK).is_none() && thread.is_alive());
    assert_eq!(thread::active_count(), 2);
    go.set();
    assert_eq!(thread.join()?, 7);
    assert!(matches!(thread.join(), Err(ThreadError::AlreadyJoined)));
    Ok(())
}

fn rename(ready: &dyn Fn()) -> Done {
    ready();
    let thread = Thread::builder().name("Levi").start(|| {
        let own = thread::current();
        own.rename("Armin");
        (own.name(), own.native_id())
    })?;
    let (name, number) = thread.join()?;
    assert_eq!(name, "Armin");
    assert_ne!(number, thread::current().native_id());
    assert_eq!(thread::current().name(), "MainThread");
    Ok(())
}

fn panics(ready: &dyn Fn()) -> Done {
    ready();
    let ended = Thread::spawn(|| panic!("on purpose"))?.join();
    let Err(ThreadError::Panicked { message, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(message, "on purpose");
    Ok(())
}

/// A daemon is left alone, any other thread is waited for.
fn end_with_one(daemon: bool) -> Done {
    Thread::builder().daemon(daemon).start(move || {
        if !daemon {
            return std::thread::park_timeout(TICK);
        }
        loop {
            std::thread::park();
        }
    })?;
    Ok(())
}
