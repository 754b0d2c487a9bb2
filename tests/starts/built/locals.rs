//! Guards among a thread's locals. In a program that is linked statically std drops those by a pthread
//! key, which may be later or earlier than this crate's.

use std::cell::RefCell;
use std::sync::OnceLock;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use multiproc::{Lock, LockGuard, Shared};

/// Shared memory for the one, private memory for the other.
static LOCKS: OnceLock<(Shared<Lock<u64>>, Lock<u64>)> = OnceLock::new();

/// Two guards, and the ends by which another says when they are to be dropped.
struct Kept {
    guards: Option<[LockGuard<'static, u64>; 2]>,
    turn: (Sender<()>, Receiver<()>),
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.turn.0.send(()).unwrap();
        self.turn.1.recv().unwrap();
        drop(self.guards.take());
    }
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Which of the locks are locked while a thread is about to drop its locals, and when it has; others lock
/// and end in between.
pub(crate) fn guards_of_an_ending_thread() -> String {
    let locks = LOCKS.get_or_init(|| (Shared::new(Lock::new(1)).unwrap(), Lock::new(1)));
    let are_locked = || [locks.0.is_locked(), locks.1.is_locked()];
    // Before the thread has locals.
    drop(locks.0.lock().unwrap());
    let ((begun, has_begun), (go, may_go)) = (channel(), channel());
    let thread = thread::spawn(move || {
        // Made before the first lock of the thread, and so dropped after what that makes.
        KEPT.with(|_| ());
        let guards = Some([locks.0.lock().unwrap(), locks.1.lock().unwrap()]);
        KEPT.set(Some(Kept { guards, turn: (begun, may_go) }));
    });
    has_begun.recv().unwrap();
    let other = Shared::new(Lock::new(2u64)).unwrap();
    for _ in 0..3 {
        thread::scope(|scope| drop(scope.spawn(|| drop(other.lock().unwrap()))));
    }
    let during = are_locked();
    go.send(()).unwrap();
    thread.join().unwrap();
    format!("{during:?}, then {:?}", are_locked())
}
