//! Under `ulimit -f` what is too large is refused, by an error that names the limit. (The kernel's own
//! answer is a signal that kills.)

use std::os::fd::AsRawFd;

use multiproc::{
    Error, Event, FileSizeLimit, Lock, Pool, Process, ProcessError, Queue, SendCause, Shared,
    SharedArray, pipe,
};

use crate::Named;
use crate::alone::alone;
use crate::chain::chain;

const LIMIT: u64 = 16 << 10;
const LARGE: usize = 1 << 20;

fn limit_files(bytes: u64) {
    let limit = libc::rlimit { rlim_cur: bytes, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: the limit is there.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &limit) }, 0);
}

/// Of memory that was refused.
#[track_caller]
fn refused<T>(made: Result<T, Error>) -> FileSizeLimit {
    match made {
        Err(Error::FileSizeLimit(limit)) => limit,
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("nothing is in its way"),
    }
}

#[track_caller]
fn names_the_limit(error: impl std::error::Error + 'static) {
    let said = chain(&error);
    assert!(said.contains("ulimit -f") && said.contains("16384"), "{said}");
}

#[test]
fn memory_beyond_it_is_refused_and_less_is_made() {
    alone(|()| {
        limit_files(LIMIT);
        let queue = refused(Queue::<u8>::bounded(1));
        assert!(queue.limit == LIMIT && queue.needed > LIMIT, "{queue:?}");
        names_the_limit(queue);
        assert!(Queue::<u8>::with_bytes(1, 4096).is_ok());
        assert!(refused(SharedArray::<u8>::zeroed(LARGE)).needed > LARGE as u64);
        refused(Shared::new([0u8; LARGE]));
        let name = Named::new("limit");
        refused(Shared::create(&name.0, [0u8; LARGE]));
        assert!(Shared::<u8>::open(&name.0).is_err(), "nothing got the name");
        assert!(Shared::create(&name.0, Lock::new(1)).is_ok());
        // To the byte: the header is 64, and the array's another.
        let most = LIMIT as usize - 128;
        assert!(SharedArray::<u8>::zeroed(most).is_ok());
        assert_eq!(refused(SharedArray::<u8>::zeroed(most + 1)).needed, LIMIT + 1);
        limit_files(2000 << 10);
        refused(SharedArray::<u64>::zeroed(8 << 20));
    });
}

#[test]
fn a_long_message_is_given_back_and_the_pipe_goes_on() {
    alone(|()| {
        limit_files(LIMIT);
        let (receiver, sender) = pipe::<Vec<u8>>().unwrap();
        let (value, cause) = sender.send(vec![1; LARGE]).unwrap_err().into_parts();
        assert_eq!(value.len(), LARGE);
        assert!(
            matches!(cause, SendCause::FileSizeLimit(limit) if limit.limit == LIMIT),
            "{cause}"
        );
        names_the_limit(cause);
        // What goes beyond a packet has to fit, no more.
        sender.send(vec![2; 65 << 10]).unwrap();
        assert_eq!(receiver.recv().unwrap(), [2; 65 << 10]);
    });
}

#[test]
fn a_child_gets_and_gives_no_more_and_says_so() {
    alone(|()| {
        limit_files(LIMIT);
        let len = |bytes: Vec<u8>| bytes.len();
        let argument = refused(Process::spawn(len, vec![0; LARGE]));
        assert_eq!(argument.limit, LIMIT);
        assert_eq!(Process::spawn(len, vec![0; 1000]).unwrap().join().unwrap(), 1000);
        let make = |len: usize| vec![1u8; len];
        let spawned = Process::spawn(make, LARGE).unwrap();
        let forked = Process::fork(|| vec![1u8; LARGE]).unwrap();
        for child in [spawned, forked] {
            let error = child.join().unwrap_err();
            assert!(matches!(error, ProcessError::Encode(_)), "{error}");
            names_the_limit(error);
        }
        assert_eq!(Process::spawn(make, 1000).unwrap().join().unwrap(), [1; 1000]);
    });
}

/// Nobody is to try again what has been done: so a child whose outcome would not fit does not begin.
#[test]
fn a_child_that_could_leave_no_outcome_is_not_started() {
    alone(|()| {
        for limit in [0, 1, 60, 170, 511] {
            limit_files(limit);
            let forked = Process::fork(|| -> u32 { panic!("the function runs") });
            let spawned = Process::spawn(|()| -> u32 { panic!("the function runs") }, ());
            for refused in [refused(forked), refused(spawned), refused(Pool::new(1))] {
                assert_eq!(refused.limit, limit);
            }
        }
        limit_files(512);
        let make = |len: usize| vec![1u8; len];
        for len in [0, 1, 400, 500, 512, 5000] {
            let forked = Process::fork(|| make(len)).unwrap();
            for child in [forked, Process::spawn(make, len).unwrap()] {
                match child.join() {
                    Ok(made) => assert_eq!(made.len(), len),
                    Err(error) => assert!(matches!(error, ProcessError::Encode(_)), "{error}"),
                }
            }
        }
    });
}

#[test]
fn of_a_panic_s_long_message_what_fits_arrives() {
    alone(|()| {
        limit_files(LIMIT);
        // Where the panic is told may be a file, too.
        let nowhere = std::fs::File::options().write(true).open("/dev/null").unwrap();
        // SAFETY: both are open, and nobody else uses them.
        assert_eq!(unsafe { libc::dup2(nowhere.as_raw_fd(), 2) }, 2);
        let fail = |len: usize| -> u32 { panic!("{}", "ä".repeat(len)) };
        let Err(ProcessError::Panicked { message, location }) =
            Process::spawn(fail, LARGE).unwrap().join()
        else {
            panic!("a panic is told as one")
        };
        assert!(message.len() as u64 > LIMIT / 2 && message.chars().all(|char| char == 'ä'));
        assert!(location.is_some());
    });
}

#[test]
fn a_pool_s_task_fails_alone() {
    alone(|()| {
        limit_files(LIMIT);
        let made = Pool::new(1);
        let pool = made.unwrap();
        let make = |len: usize| vec![1u8; len];
        names_the_limit(pool.apply(make, LARGE).unwrap_err());
        let len = |bytes: Vec<u8>| bytes.len();
        names_the_limit(pool.apply(len, vec![0; LARGE]).unwrap_err());
        assert_eq!(pool.apply(make, 10).unwrap(), [1; 10]);
    });
}

/// A limit that is no hindrance is none.
#[test]
fn without_a_limit_nothing_is_refused() {
    alone(|()| {
        limit_files(libc::RLIM_INFINITY);
        assert_eq!(SharedArray::<u8>::zeroed(LARGE).unwrap().len(), LARGE);
        assert!(!Shared::new(Event::new()).unwrap().is_set());
    });
}
