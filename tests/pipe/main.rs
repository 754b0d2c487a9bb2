//! Pipes: between threads here, between processes in `processes`.
//!
//! What must hold:
//! * a message arrives whole, once and in order, whatever its size;
//! * the end, a peer that is gone, a full pipe, time that is over and garbage are different errors;
//! * a value that is not sent is given back;
//! * nothing is left open.
#![cfg(not(modelled))]

#[path = "../support/no_descriptors.rs"]
mod no_descriptors;
mod processes;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{
    CodecError, Pool, Process, RecvError, SendCause, Sender, duplex, pipe, wait_any, wait_any_for,
    wait_any_until,
};
use proptest::prelude::*;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

/// What no message here is ever waited for in vain, and no test waits in full.
const LONG: Duration = Duration::from_secs(60);

/// Where a packet ends and a message goes on in a file.
const LIMIT: usize = 64 * 1024;

/// A bit of everything that serde knows.
type Anything = (Option<String>, Vec<i64>, BTreeMap<u8, (f32, char)>);

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_messages_arrive_as_they_were_sent(
        messages in prop::collection::vec(any::<Anything>(), 1..20)
    ) {
        let (receiver, sender) = pipe()?;
        let sent = messages.clone();
        let sending = thread::spawn(move || sent.into_iter().try_for_each(|one| sender.send(one)));
        for message in messages {
            // As text, in which a NaN is itself.
            let received: Anything = receiver.recv()?;
            prop_assert_eq!(format!("{received:?}"), format!("{message:?}"));
        }
        sending.join().expect("the sender does not panic")?;
        prop_assert!(matches!(receiver.recv(), Err(RecvError::Closed)));
    }

    #[test]
    fn any_size_around_the_limit_of_a_packet_arrives(
        sizes in prop::collection::vec(LIMIT - 12..LIMIT + 12, 1..8), seed: u8
    ) {
        sizes_arrive(&sizes, seed)?;
    }
}

#[test]
fn several_mebibytes_arrive() -> Result<(), TestCaseError> {
    sizes_arrive(&[0, 1, 2 << 20, 3, 200_000, 17 << 20], 7)
}

fn sizes_arrive(sizes: &[usize], seed: u8) -> Result<(), TestCaseError> {
    // A pattern that no shift by a packet or a page maps to itself.
    let content = |size| {
        let pattern: Vec<u8> = (0..251).map(|n: u8| n.wrapping_add(seed)).collect();
        pattern.into_iter().cycle().take(size).collect::<Vec<u8>>()
    };
    let (receiver, sender) = pipe::<Vec<u8>>()?;
    thread::scope(|scope| {
        scope.spawn(|| {
            let sender = sender;
            for &size in sizes {
                sender.send(content(size)).expect("the receiver waits for it");
            }
        });
        for &size in sizes {
            let message = receiver.recv()?;
            prop_assert_eq!(message.len(), size);
            prop_assert!(message == content(size));
        }
        prop_assert!(matches!(receiver.recv(), Err(RecvError::Closed)));
        Ok(())
    })
}

#[test]
fn messages_that_take_no_bytes_are_messages() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<()>()?;
    sender.send(())?;
    sender.send(())?;
    drop(sender);
    receiver.recv()?;
    receiver.recv()?;
    assert!(matches!(receiver.recv(), Err(RecvError::Closed)));
    Ok(())
}

#[test]
fn a_full_pipe_gives_the_value_back() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<String>()?;
    let text = "x".repeat(10_000);
    let mut sent = 0;
    let refused = loop {
        match sender.try_send(text.clone()) {
            Ok(()) => sent += 1,
            Err(refused) => break refused,
        }
    };
    assert!(matches!(refused.cause(), SendCause::Full), "{refused}");
    assert_eq!(refused.into_inner(), text);

    let refused = sender.send_for(text.clone(), Duration::from_millis(1)).unwrap_err();
    assert!(matches!(refused.cause(), SendCause::TimedOut), "{refused}");
    let refused = sender.send_until(text.clone(), Instant::now()).unwrap_err();
    assert!(matches!(refused.into_parts(), (value, SendCause::TimedOut) if value == text));

    // Room that is made is found by a sender who waits for it.
    let waiting = thread::spawn(move || sender.send_for(text, LONG));
    for _ in 0..=sent {
        receiver.recv_for(LONG)?;
    }
    waiting.join().expect("the sender does not panic")?;
    Ok(())
}

#[test]
fn long_messages_wait_for_the_receiver_too() -> Result<(), Box<dyn std::error::Error>> {
    let (_receiver, sender) = pipe::<Vec<u8>>()?;
    let sent = (0..100).take_while(|_| sender.try_send(vec![1; 1 << 20]).is_ok()).count();
    assert!((1..10).contains(&sent), "{sent} messages of 1 MiB went into a pipe");
    Ok(())
}

#[test]
fn a_peer_that_is_gone_is_an_error_of_its_own() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<i32>()?;
    drop(receiver);
    for _ in 0..2 {
        let refused = sender.send(7).unwrap_err();
        assert!(matches!(refused.cause(), SendCause::Disconnected), "{refused}");
        assert_eq!(refused.into_inner(), 7);
    }
    Ok(())
}

#[test]
fn a_peer_that_leaves_without_reading_still_was_heard() -> Result<(), Box<dyn std::error::Error>> {
    let (here, there) = duplex::<i32, i32>()?;
    there.send(1)?;
    there.send(2)?;
    here.send(3)?;
    drop(there);
    assert_eq!(here.recv()?, 1);
    assert_eq!(here.recv()?, 2);
    assert!(matches!(here.recv(), Err(RecvError::Closed)));
    assert!(matches!(here.send(4).unwrap_err().cause(), SendCause::Disconnected));
    Ok(())
}

#[test]
fn a_waiting_sender_learns_that_the_receiver_left() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<Vec<u8>>()?;
    while sender.try_send(vec![0; 1000]).is_ok() {}
    let waiting = thread::spawn(move || sender.send_for(vec![0; 1000], LONG));
    drop(receiver);
    let refused = waiting.join().expect("the sender does not panic").unwrap_err();
    assert!(matches!(refused.cause(), SendCause::Disconnected), "{refused}");
    Ok(())
}

#[test]
fn an_empty_pipe_is_not_the_end() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<i32>()?;
    assert!(matches!(receiver.try_recv(), Err(RecvError::Empty)));
    assert!(matches!(receiver.recv_for(Duration::ZERO), Err(RecvError::TimedOut)));
    assert!(matches!(receiver.recv_until(Instant::now()), Err(RecvError::TimedOut)));
    assert!(!receiver.poll());
    assert!(!receiver.poll_for(Duration::from_millis(1)));
    assert!(!receiver.poll_until(Instant::now()));
    sender.send(5)?;
    assert!(receiver.poll());
    assert!(receiver.poll_until(Instant::now()));
    assert!(receiver.poll_for(LONG));
    assert_eq!(receiver.try_recv()?, 5);
    drop(sender);
    assert!(receiver.poll_for(LONG), "poll is true at the end");
    assert!(matches!(receiver.try_recv(), Err(RecvError::Closed)));
    Ok(())
}

/// Refuses to be encoded, as a map behind a broken lock may.
struct Stubborn(u8);

impl serde::Serialize for Stubborn {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

impl<'de> serde::Deserialize<'de> for Stubborn {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        u8::deserialize(from).map(Stubborn)
    }
}

#[test]
fn a_value_that_cannot_be_encoded_comes_back() -> Result<(), Box<dyn std::error::Error>> {
    let (_receiver, sender) = pipe::<Stubborn>()?;
    let refused = sender.send(Stubborn(4)).unwrap_err();
    let said =
        matches!(refused.cause(), SendCause::Encode(CodecError::Custom(said)) if said == "no");
    assert!(said, "{refused:?}");
    assert_eq!(refused.into_inner().0, 4);
    Ok(())
}

#[test]
fn clones_share_a_pipe_and_each_message_comes_once() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<(u32, Vec<u32>)>()?;
    let (senders, receivers, each) = (5, 3, 500);
    thread::scope(|scope| {
        for id in 0..senders {
            let sender = sender.clone();
            scope.spawn(move || {
                for n in 0..each {
                    let size = if n % 100 == 0 { 40_000 } else { n % 40 };
                    sender.send((id * each + n, vec![n; size as usize])).expect("it is received");
                }
            });
        }
        drop(sender);
        let all: Vec<_> = (0..receivers)
            .map(|_| {
                let receiver = receiver.clone();
                scope.spawn(move || {
                    let mut seen = Vec::new();
                    loop {
                        match receiver.recv() {
                            Ok((id, body)) => {
                                assert!(body.iter().all(|&n| n == id % each), "torn");
                                seen.push(id);
                            }
                            Err(RecvError::Closed) => return seen,
                            Err(error) => panic!("{error}"),
                        }
                    }
                })
            })
            .collect();
        let mut seen: Vec<u32> = all
            .into_iter()
            .flat_map(|one| {
                let one = one.join().expect("a receiver does not panic");
                for id in 0..senders {
                    let mine: Vec<_> = one.iter().filter(|&n| n / each == id).collect();
                    assert!(mine.is_sorted(), "one sender's messages keep their order");
                }
                one
            })
            .collect();
        seen.sort_unstable();
        assert!(seen.into_iter().eq(0..senders * each));
    });
    Ok(())
}

#[test]
fn a_loop_over_a_receiver_ends_with_the_last_sender() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<u8>()?;
    let other = sender.clone();
    let senders = [sender, other].map(|sender| {
        thread::spawn(move || (0..50).for_each(|n| sender.send(n).expect("it is received")))
    });
    let sum = (&receiver).into_iter().try_fold(0, |sum, n| n.map(|n| sum + u32::from(n)))?;
    assert_eq!(sum, 2 * (0..50).sum::<u32>());
    senders.into_iter().for_each(|sender| sender.join().expect("it does not panic"));
    assert_eq!(receiver.into_iter().count(), 0, "it has ended");
    Ok(())
}

#[test]
fn what_came_is_received_without_waiting_for_more() -> Result<(), Box<dyn std::error::Error>> {
    let (receiver, sender) = pipe::<u8>()?;
    let mut messages = receiver.try_iter();
    assert!(messages.next().is_none());
    sender.send(1)?;
    sender.send(2)?;
    assert_eq!(messages.by_ref().collect::<Result<Vec<_>, _>>()?, [1, 2]);
    drop(sender);
    assert!(messages.next().is_none());
    Ok(())
}

#[test]
fn both_directions_at_once() -> Result<(), Box<dyn std::error::Error>> {
    let (here, there) = duplex::<u64, u64>()?;
    let echo = thread::spawn(move || {
        while let Ok(n) = there.recv() {
            there.send(n * 2).expect("the other end waits for it");
        }
    });
    for n in 0..1000 {
        here.send(n)?;
        assert_eq!(here.recv()?, 2 * n);
    }
    drop(here);
    echo.join().expect("the echo does not panic");
    Ok(())
}

#[test]
fn wait_any_names_all_that_are_ready() -> Result<(), Box<dyn std::error::Error>> {
    let pipes: Vec<_> = (0..4).map(|_| pipe::<u8>()).collect::<Result<_, _>>()?;
    let (receivers, mut senders): (Vec<_>, Vec<_>) = pipes.into_iter().unzip();
    let sources: Vec<&dyn multiproc::Waitable> = receivers.iter().map(|r| r as _).collect();
    assert_eq!(wait_any_for(&sources, Duration::ZERO)?, []);
    assert_eq!(wait_any_for(&[], Duration::ZERO)?, []);
    assert_eq!(wait_any_until(&sources, Instant::now())?, []);
    senders[2].send(1)?;
    assert_eq!(wait_any(&sources)?, [2]);
    drop(senders.remove(0));
    assert_eq!(wait_any_for(&sources, LONG)?, [0, 2], "the end counts as ready");
    assert_eq!(wait_any_until(&sources, Instant::now() + LONG)?, [0, 2]);
    Ok(())
}

#[test]
fn a_sender_is_writable_when_there_is_room_or_nobody_to_receive()
-> Result<(), Box<dyn std::error::Error>> {
    let within = |timeout: Duration, sender: &Sender<Vec<u8>>| {
        let mut fds = [PollFd::new(sender, PollFlags::OUT)];
        poll(&mut fds, Some(&Timespec::try_from(timeout).unwrap())).map(|ready| ready == 1)
    };
    let writable = |sender: &Sender<Vec<u8>>| within(Duration::ZERO, sender);
    let (receiver, sender) = pipe::<Vec<u8>>()?;
    assert!(writable(&sender)?);
    while sender.try_send(vec![0; 1000]).is_ok() {}
    assert!(!writable(&sender)?, "it is full");
    while receiver.try_recv().is_ok() {}
    assert!(writable(&sender)?);
    assert_eq!(wait_any(&[&sender])?, [0], "there is nothing to be received");
    while sender.try_send(vec![0; 1000]).is_ok() {}
    drop(receiver);
    // A child that another test is starting may have the receiver too, until it is another program.
    assert!(within(LONG, &sender)?, "it would fail, and not wait");
    Ok(())
}

/// What is used while the locals of a thread are dropped, after all others.
struct Last(Option<fn()>);

impl Drop for Last {
    fn drop(&mut self) {
        self.0.take().expect("it is dropped once")();
    }
}

thread_local! {
    static LAST: RefCell<Option<Last>> = const { RefCell::new(None) };
}

/// Runs `run` in a thread whose other locals are gone already: the first that is used is the last
/// that is dropped.
fn at_the_end_of_a_thread(run: fn()) {
    let thread = thread::spawn(move || {
        LAST.with_borrow_mut(|last| *last = Some(Last(Some(|| ()))));
        let (receiver, sender) = pipe::<u32>().unwrap();
        sender.send(1).unwrap();
        receiver.recv().unwrap();
        LAST.with_borrow_mut(|last| last.as_mut().unwrap().0 = Some(run));
    });
    thread.join().unwrap();
}

#[test]
fn a_thread_can_send_spawn_and_make_a_pool_at_its_very_end()
-> Result<(), Box<dyn std::error::Error>> {
    static DONE: OnceLock<Sender<u32>> = OnceLock::new();
    let (receiver, sender) = pipe()?;
    // In a process of its own: what goes wrong there ends the whole process.
    let at_the_end = |done: Sender<u32>| {
        DONE.set(done).unwrap();
        at_the_end_of_a_thread(|| {
            let done = DONE.get().unwrap();
            let (receiver, sender) = pipe().unwrap();
            sender.send(1).unwrap();
            done.send(receiver.recv().unwrap()).unwrap();
            let child = Process::spawn(|n: u32| n + 1, 1).unwrap();
            done.send(child.join().unwrap()).unwrap();
            let pool = Pool::new(1).unwrap();
            done.send(pool.apply(|n: u32| n + 1, 2).unwrap()).unwrap();
        });
    };
    Process::spawn(at_the_end, sender)?.join()?;
    assert_eq!([receiver.try_recv()?, receiver.try_recv()?, receiver.try_recv()?], [1, 2, 3]);
    Ok(())
}
