//! The drops of thread-locals: they belong to the thread, and everything works in them.

use std::cell::RefCell;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use multiproc::{
    Barrier, Condition, Event, Lock, Process, Queue, RLock, RobustSemaphore, Semaphore, Shared,
    SharedArray, Thread, Value, duplex, pipe, thread, wait_any, wait_any_for,
};

use crate::{LONG, Nothing, alone, for_a_while};

/// Runs when its thread drops its locals.
struct Last(Box<dyn FnOnce()>);

impl Drop for Last {
    fn drop(&mut self) {
        std::mem::replace(&mut self.0, Box::new(|| ()))();
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// What this thread does when its locals are dropped; after those that it uses from here on.
fn at_last(work: impl FnOnce() + 'static) {
    LAST.with(|last| *last.borrow_mut() = Some(Last(Box::new(work))));
}

/// A thread that has returned 5, and is in the drop of a local until `go` is set.
fn in_the_drop(go: &Shared<Event>) -> Thread<u32> {
    let (begun, go) = (Shared::new(Event::new()).unwrap(), go.clone());
    let tell = begun.clone();
    let thread = Thread::spawn(move || {
        at_last(move || {
            tell.set();
            go.wait();
        });
        5
    });
    begun.wait();
    thread.unwrap()
}

#[test]
fn a_join_waits_for_them_as_long_as_it_may() -> Nothing {
    let go = Shared::new(Event::new())?;
    let thread = in_the_drop(&go);
    assert!(thread.try_join().is_none());
    assert!(thread.join_for(Duration::from_millis(30)).is_none());
    assert!(thread.join_until(Instant::now()).is_none());
    assert!(thread.is_alive());
    assert!(thread::all().iter().any(|one| one.native_id() == thread.native_id()));
    std::thread::scope(|scope| {
        // Those who have more time wait on when others had less.
        let patient = scope.spawn(|| thread.join_for(LONG));
        assert!(thread.join_for(Duration::from_millis(5)).is_none());
        go.set();
        let Some(Ok(5)) = patient.join().unwrap() else { panic!("it ends when told") };
    });
    assert!(!thread.is_alive());
    Ok(())
}

#[test]
fn all_who_join_see_the_end() -> Nothing {
    for _ in 0..50 {
        let go = Shared::new(Event::new())?;
        let thread = in_the_drop(&go);
        let got = std::thread::scope(|scope| {
            let joins = [(); 4].map(|()| scope.spawn(|| thread.join()));
            go.set();
            joins.into_iter().filter_map(|join| join.join().unwrap().ok()).collect::<Vec<_>>()
        });
        assert_eq!(got, [5], "one of them gets the result");
    }
    Ok(())
}

/// Also when its handle is gone, and when somebody has looked who is there.
#[test]
fn the_end_of_the_program_waits_for_them() -> Nothing {
    type Told = [Shared<Event>; 2];
    let told: Told = [Shared::new(Event::new())?, Shared::new(Event::new())?];
    let program = |told: Told| {
        let go = Shared::new(Event::new()).unwrap();
        let start = |done: Shared<Event>| {
            let begun = Shared::new(Event::new()).unwrap();
            let (tell, go) = (begun.clone(), go.clone());
            let thread = Thread::spawn(move || {
                at_last(move || {
                    tell.set();
                    go.wait();
                    for_a_while();
                    done.set();
                });
            });
            begun.wait();
            thread.unwrap()
        };
        let [one, two] = told.map(start);
        drop(one);
        assert_eq!(thread::active_count(), 3);
        std::mem::forget(two);
        go.set();
    };
    Process::spawn(program, told.clone())?.join()?;
    assert!(told.iter().all(|told| told.is_set()));
    Ok(())
}

#[test]
fn a_thread_is_itself_to_its_end() -> Nothing {
    let (sender, receiver) = std::sync::mpsc::channel();
    let levi = Thread::builder().name("Levi").start(move || {
        at_last(move || {
            let own = thread::current();
            sender.send((own.name(), own.is_current(), own.is_daemon())).unwrap();
        });
        thread::current().name()
    })?;
    assert_eq!(levi.join()?, "Levi");
    assert_eq!(receiver.recv()?, ("Levi".to_owned(), true, false));
    Ok(())
}

#[test]
fn a_thread_of_others_is_not_alive_when_it_has_ended() {
    let handle = std::thread::spawn(thread::current).join().unwrap();
    assert!(!handle.is_alive());
}

/// One of each kind.
const KINDS: [(&str, fn()); 18] = [
    ("pipe", || {
        let (receiver, sender) = pipe::<u32>().unwrap();
        sender.send(1).unwrap();
        assert_eq!(receiver.recv().unwrap(), 1);
    }),
    ("duplex", || {
        let (one, two) = duplex::<u32, String>().unwrap();
        one.send(1).unwrap();
        assert_eq!(two.recv().unwrap(), 1);
        two.send("x".repeat(1 << 20)).unwrap();
        assert_eq!(one.recv().unwrap().len(), 1 << 20);
    }),
    ("Queue", || {
        let queue = Queue::<u32>::bounded(1).unwrap();
        queue.put(1).unwrap();
        assert_eq!(queue.get().unwrap(), 1);
    }),
    ("Lock", || *Shared::new(Lock::new(1)).unwrap().lock().unwrap() += 1),
    ("Lock in private memory", || *Lock::new(1).lock().unwrap() += 1),
    ("RLock", || {
        let lock = Shared::new(RLock::new(1)).unwrap();
        let _twice = (lock.lock().unwrap(), lock.lock().unwrap());
    }),
    ("Condition", || {
        let lock = Shared::new((Lock::new(1), Condition::new())).unwrap();
        let soon = Duration::from_millis(1);
        drop(lock.1.wait_for(lock.0.lock().unwrap(), soon).unwrap());
        lock.1.notify_all();
    }),
    ("Event", || {
        let event = Shared::new(Event::new()).unwrap();
        event.set();
        event.wait();
    }),
    ("Semaphore", || drop(Shared::new(Semaphore::new(1)).unwrap().acquire())),
    ("RobustSemaphore", || drop(Shared::new(RobustSemaphore::<4>::new(1)).unwrap().acquire())),
    ("Barrier", || assert_eq!(Shared::new(Barrier::new(1)).unwrap().wait().unwrap(), 0)),
    ("Value", || {
        Shared::new(Value::new(1u32)).unwrap().fetch_add(1);
    }),
    ("SharedArray", || SharedArray::new(&[1u32]).unwrap().set(0, 2).unwrap()),
    ("wait_any", || {
        let (receiver, sender) = pipe::<u32>().unwrap();
        sender.send(1).unwrap();
        assert_eq!(wait_any(&[&receiver]).unwrap(), [0]);
    }),
    ("wait_any, without a descriptor", || {
        let queue = Queue::bounded(1).unwrap();
        assert_eq!(wait_any_for(&[&queue], Duration::from_millis(1)).unwrap(), []);
        queue.put(1).unwrap();
        assert_eq!(wait_any(&[&queue]).unwrap(), [0]);
    }),
    ("Thread", || assert_eq!(Thread::spawn(|| 7).unwrap().join().unwrap(), 7)),
    ("a thread that panics", || {
        let error = Thread::spawn(|| -> () { panic!("no") }).unwrap().join().unwrap_err();
        assert!(error.to_string().contains("locals.rs"), "{error}");
    }),
    ("current", || {
        thread::current().rename("Eren");
        assert!(thread::active_count() > 1);
    }),
];

/// Which of them worked, each when all that the crate has in thread-locals is dropped.
static WORKED: Mutex<Vec<&str>> = Mutex::new(Vec::new());

#[test]
fn everything_works_in_them() {
    alone(|()| {
        for (kind, work) in KINDS {
            let body = move || {
                at_last(move || {
                    work();
                    WORKED.lock().unwrap().push(kind);
                });
                // Everything of the crate's is later than ours, and dropped earlier.
                KINDS.iter().for_each(|(_, work)| work());
            };
            Thread::builder().name(kind).start(body).unwrap().join().unwrap();
        }
        assert!(WORKED.lock().unwrap().iter().eq(KINDS.iter().map(|(kind, _)| kind)));
    });
}
