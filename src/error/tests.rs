//! Every error of the crate, in every way it can be, held to one style.

use std::error::Error as Cause;
use std::io;
use std::sync::Arc;

use super::*;

/// A list of such errors, one for each variant: the compiler misses those that are not there.
macro_rules! each {
    ($type:ident $(<$parameter:ty>)?:
        $($variant:ident $({ $($named:tt)* })? $(($($unnamed:tt)*))?),* $(,)?
    ) => {{
        fn _all_are_here(error: &$type $(<$parameter>)?) {
            match error {
                $($type::$variant { .. } => {})*
            }
        }
        vec![$($type::$variant $({ $($named)* })? $(($($unnamed)*))?),*]
    }};
}

/// The texts of an error and of its causes, outermost first.
fn texts(error: &dyn Cause) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        texts.push(cause.to_string());
        next = cause.source();
    }
    texts
}

/// Whoever prints the chain prints each text once, and each says something.
#[track_caller]
fn says_each_thing_once(error: &dyn Cause) {
    let texts = texts(error);
    for (i, text) in texts.iter().enumerate() {
        assert!(!text.is_empty(), "{error:?} says nothing");
        for (j, other) in texts.iter().enumerate() {
            assert!(i == j || !text.contains(other.as_str()), "{texts:?}");
        }
    }
    assert_eq!(Chain(error).to_string(), texts.join(": "));
}

#[track_caller]
fn say_each_thing_once<E: Cause + 'static>(errors: Vec<E>) {
    assert!(!errors.is_empty());
    errors.iter().for_each(|error| says_each_thing_once(error));
}

fn refused_by_the_system() -> io::Error {
    io::Error::from_raw_os_error(libc::EMFILE)
}

fn text() -> String {
    "a text from elsewhere".to_owned()
}

fn codec() -> CodecError {
    CodecError::Custom(text())
}

fn name_problems() -> Vec<NameProblem> {
    each!(NameProblem:
        Invalid,
        NotFound,
        InUse,
        Abandoned,
        NoPermission,
        Owner { owner: 7 },
        NotAFile,
        TooShort { bytes: 1, needed: 64 },
        Foreign,
        Version { found: 1, ours: 2 },
        Resized { bytes: 1, made: 2 },
        Type,
        PidNamespace,
        TimeNamespace,
        Os { call: "open", source: refused_by_the_system() },
    )
}

fn layout_problems() -> Vec<LayoutProblem> {
    each!(LayoutProblem: NotSealed, NotReserved, Size, Header(NameProblem::Type))
}

fn errors() -> Vec<Error> {
    each!(Error:
        Capacity { what: "a pool of workers", asked: 0, max: 9 },
        OutOfMemory { needed: 2, available: 1 },
        FileSizeLimit(FileSizeLimit::new(2, 1)),
        MultiThreaded { threads: 2 },
        HadThreads,
        OtherNamespace { namespace: "PID" },
        LockHeld { locks: 1 },
        NotAChild,
        Daemonic,
        ChildrenIgnored,
        NotInProgram,
        Privileged,
        OtherProgram,
        NoStartPath,
        NoProc,
        TooEarly,
        InvalidVariable { name: "a=b".into() },
        Directory { path: "/none".into(), source: refused_by_the_system() },
        LimitTooHigh { limit: "open files", asked: 2, most: 1 },
        Argument(codec()),
        Layout(LayoutProblem::Header(NameProblem::os("pread", refused_by_the_system()))),
        Name { name: "a/b".to_owned(), problem: NameProblem::Invalid },
        Poisoned(PoisonCause::OwnerDied),
        WouldBlock,
        Os { call: "memfd_create", source: refused_by_the_system() },
    )
}

#[test]
fn what_cannot_be_made_says_each_thing_once() {
    say_each_thing_once(errors());
    say_each_thing_once(layout_problems());
    say_each_thing_once(name_problems());
    for problem in name_problems() {
        says_each_thing_once(&Error::Name { name: "a".to_owned(), problem });
    }
    for problem in name_problems() {
        says_each_thing_once(&Error::Layout(LayoutProblem::Header(problem)));
    }
}

#[test]
fn what_a_primitive_refuses_says_each_thing_once() {
    say_each_thing_once(each!(BrokenBarrier:
        TimedOut, Aborted, ActionPanicked, PartyDied, Reset));
    says_each_thing_once(&Overflow { released: 1, value: 2, max: 2 });
    says_each_thing_once(&IndexOutOfRange { index: 2, len: 2 });
    says_each_thing_once(&ValueTooLong { size: 2, max: 1 });
    says_each_thing_once(&TooManyDone);
    says_each_thing_once(&FileSizeLimit::new(2, 1));
}

#[test]
fn what_the_codec_refuses_says_each_thing_once() {
    let place = "Outer.field".to_owned();
    let demand = FormatDemand { type_name: text(), place: place.clone(), attribute: text() };
    let mismatch = FieldMismatch { type_name: text(), place, written: text(), read: text() };
    say_each_thing_once(each!(CodecError:
        Custom(text()),
        NeedsSelfDescribing(Box::new(demand)),
        FieldLeftOut(text()),
        Asymmetric(Box::new(mismatch)),
        UnknownLength(Collection::Map),
        WrongLength { what: Collection::List, said: 2, found: 1 },
        TooDeep { max: 1 },
        TooManyEmpty { max: 1 },
        EndsEarly,
        TrailingBytes { left: 1 },
        Malformed(text()),
        NotCarried(text()),
    ));
}

#[test]
fn what_a_queue_refuses_says_each_thing_once() {
    say_each_thing_once(each!(PutError<u8>:
        Full(1),
        TimedOut(1),
        Closed(1),
        TooLarge { value: 1, size: 9, max: 8 },
        Encode { value: 1, source: codec() },
        Corrupt(1),
    ));
    say_each_thing_once(each!(GetError: Empty, TimedOut, Closed, Decode(codec()), Corrupt));
}

#[test]
fn what_a_pipe_refuses_says_each_thing_once() {
    let causes = || {
        each!(SendCause:
            Disconnected,
            Full,
            TimedOut,
            TooLarge { bytes: 2, max: 1 },
            FileSizeLimit(FileSizeLimit::new(2, 1)),
            Encode(codec()),
            Os { call: "sendmsg", source: refused_by_the_system() },
        )
    };
    say_each_thing_once(causes());
    say_each_thing_once(causes().into_iter().map(|cause| SendError::new(1_u8, cause)).collect());
    say_each_thing_once(each!(RecvError:
        Closed,
        Empty,
        TimedOut,
        Decode(codec()),
        Os { call: "recvmsg", source: refused_by_the_system() },
    ));
}

#[test]
fn what_a_process_or_a_thread_comes_to_says_each_thing_once() {
    let location = Some("main.rs:1:2".to_owned());
    say_each_thing_once(each!(ProcessError:
        Exited(3),
        Os { call: "waitid", source: refused_by_the_system() },
        NotStarted(70),
        Signaled(9),
        OutOfMemory,
        NotSetUp { call: "fchdir", source: refused_by_the_system() },
        Panicked { message: text(), location: location.clone() },
        Argument(codec()),
        Encode(codec()),
        Decode(codec()),
        AlreadyJoined,
        OtherNamespace,
        NotAChild,
        StatusTaken,
    ));
    say_each_thing_once(each!(ThreadError:
        Panicked { message: text(), location },
        AlreadyJoined,
        JoinsItself,
        OfAnotherProcess,
    ));
}

#[test]
fn what_a_task_comes_to_says_each_thing_once() {
    let not_started = || {
        let refused = Error::os("posix_spawn", refused_by_the_system());
        each!(WorkerNotStarted:
 Refused(Arc::new(refused)), Failed(text()),
            Initializer { message: text(), location: None }, Exited(1), Signaled(9), StatusTaken,
            OutOfMemory)
    };
    say_each_thing_once(not_started());
    say_each_thing_once(not_started().into_iter().map(TaskError::Broken).collect());
    say_each_thing_once(each!(TaskError:
        Panicked { message: text(), location: None },
        StatusUnknown { call: "waitid", errno: libc::EPERM },
        Signaled(9),
        Exited(3),
        TimedOut, Cancelled, StatusTaken, OutOfMemory,
        Items { items: 2..3, source: Box::new(TaskError::Exited(3)) },
        Argument(codec()),
        Encode(codec()),
        Decode(codec()),
        NotInProgram,
        Closed,
        Terminated,
        Broken(WorkerNotStarted::Exited(1)),
        OtherProcess,
    ));
    say_each_thing_once(each!(PoolJoinError: NotClosed, OtherProcess));
}

/// What holds a guard is no error to hand on: what it becomes is, and says the same.
#[test]
fn what_a_lock_says_is_the_same_when_it_is_handed_on() {
    let poisoned = || Poisoned::new((), PoisonCause::Panicked);
    for (said, handed_on) in [
        (poisoned().to_string(), Error::from(poisoned())),
        (TryLockError::Poisoned(poisoned()).to_string(), TryLockError::Poisoned(poisoned()).into()),
        (TryLockError::<()>::WouldBlock.to_string(), TryLockError::<()>::WouldBlock.into()),
    ] {
        assert_eq!(handed_on.to_string(), said);
        says_each_thing_once(&handed_on);
    }
}

/// The check itself, on what it must find.
#[test]
#[should_panic(expected = "the source of all evil")]
fn a_text_that_contains_its_cause_is_found() {
    #[derive(Debug, thiserror::Error)]
    #[error("failed: {source}")]
    struct Twice {
        source: io::Error,
    }
    says_each_thing_once(&Twice { source: io::Error::other("the source of all evil") });
}
