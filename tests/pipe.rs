#![cfg(not(loom))]
//! Pipes: between threads here, between processes in `processes`.
//!
//! What must hold:
//! * a message arrives whole, once and in order, whatever its size;
//! * the end, a peer that is gone, a full pipe, time that is over and garbage are different errors;
//! * a value that is not sent is given back;
//! * nothing is left open.

use std::collections::BTreeMap;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{RecvError, SendCause, duplex, pipe, wait_any};
use proptest::prelude::*;

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
    assert!(!receiver.poll(Duration::ZERO));
    sender.send(5)?;
    assert!(receiver.poll(LONG));
    assert_eq!(receiver.try_recv()?, 5);
    drop(sender);
    assert!(receiver.poll(LONG), "poll is true at the end");
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

#[test]
fn a_value_that_cannot_be_encoded_comes_back() -> Result<(), Box<dyn std::error::Error>> {
    let (_receiver, sender) = pipe::<Stubborn>()?;
    let refused = sender.send(Stubborn(4)).unwrap_err();
    assert!(matches!(refused.cause(), SendCause::Encode(_)), "{refused}");
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
    let sources: Vec<&dyn std::os::fd::AsFd> = receivers.iter().map(|r| r as _).collect();
    assert_eq!(wait_any(&sources, Some(Duration::ZERO))?, []);
    assert_eq!(wait_any(&[], Some(Duration::ZERO))?, []);
    senders[2].send(1)?;
    assert_eq!(wait_any(&sources, None)?, [2]);
    drop(senders.remove(0));
    assert_eq!(wait_any(&sources, Some(LONG))?, [0, 2], "the end counts as ready");
    Ok(())
}

/// Between processes.
mod processes {
    use std::os::fd::AsFd;

    use multiproc::{Connection, Error, Process, Receiver, Sender};

    use super::*;

    type Nothing = Result<(), Box<dyn std::error::Error>>;

    #[test]
    fn five_writers_into_one_end_tear_nothing() -> Nothing {
        let (receiver, sender) = pipe::<(u32, Vec<u32>)>()?;
        let work = |(id, sender): (u32, Sender<(u32, Vec<u32>)>)| {
            for n in 0..200 {
                let size = if n % 50 == 0 { 30_000 } else { 5 };
                sender.send((id, vec![id * 1000 + n; size])).expect("the parent receives");
            }
        };
        let children: Vec<_> = (0..5)
            .map(|id| Process::spawn(work, (id, sender.clone())))
            .collect::<Result<_, _>>()?;
        drop(sender);
        let mut next = [0; 5];
        loop {
            let (id, body) = match receiver.recv_for(LONG) {
                Err(RecvError::Closed) => break,
                message => message?,
            };
            let n = &mut next[id as usize];
            assert!(body.iter().all(|&word| word == id * 1000 + *n), "torn, or out of order");
            *n += 1;
        }
        assert_eq!(next, [200; 5]);
        children.iter().try_for_each(Process::join)?;
        Ok(())
    }

    #[test]
    fn a_killed_writer_leaves_whole_messages_and_the_end() -> Nothing {
        for _ in 0..20 {
            let (receiver, sender) = pipe::<Vec<u8>>()?;
            let child = Process::spawn(
                |sender: Sender<Vec<u8>>| {
                    for n in 0u8.. {
                        let size = if n.is_multiple_of(3) { 100_000 } else { 10 };
                        sender.send(vec![n; size]).expect("the parent receives");
                    }
                },
                sender,
            )?;
            for n in 0..10 {
                assert_eq!(receiver.recv_for(LONG)?[0], n);
            }
            child.kill()?;
            loop {
                match receiver.recv_for(LONG) {
                    Ok(message) => {
                        let n = message[0];
                        assert_eq!(message.len(), if n % 3 == 0 { 100_000 } else { 10 });
                        assert!(message.iter().all(|&byte| byte == n), "torn");
                    }
                    Err(RecvError::Closed) => break,
                    Err(error) => return Err(error.into()),
                }
            }
            assert!(child.join().is_err());
        }
        Ok(())
    }

    #[test]
    fn a_child_talks_both_ways_until_the_parent_leaves() -> Nothing {
        let (here, there) = duplex::<String, usize>()?;
        let child = Process::spawn(
            |line: Connection<usize, String>| {
                let mut count = 0;
                while let Ok(text) = line.recv() {
                    line.send(text.len()).expect("the parent waits for it");
                    count += 1;
                }
                count
            },
            there,
        )?;
        for size in [0, 1, 70_000, 3] {
            here.send("x".repeat(size))?;
            assert_eq!(here.recv_for(LONG)?, size);
        }
        drop(here);
        assert_eq!(child.join()?, 4);
        Ok(())
    }

    #[test]
    fn a_dead_child_is_a_peer_that_is_gone() -> Nothing {
        let (receiver, sender) = pipe::<u8>()?;
        let child = Process::spawn(|_: Receiver<u8>| -> () { std::process::abort() }, receiver)?;
        assert!(child.join().is_err());
        let refused = sender.send(1).unwrap_err();
        assert!(matches!(refused.cause(), SendCause::Disconnected), "{refused}");
        Ok(())
    }

    #[test]
    fn wait_any_sees_messages_and_ends_of_processes() -> Nothing {
        let (receiver, sender) = pipe::<u8>()?;
        let (hold, held) = pipe::<u8>()?;
        let child = Process::spawn(
            |(sender, hold): (Sender<u8>, Receiver<u8>)| {
                sender.send(1).expect("the parent holds the other end");
                assert!(hold.recv().is_err());
            },
            (sender.clone(), hold),
        )?;
        let sources: [&dyn AsFd; 2] = [&receiver, &child];
        assert_eq!(wait_any(&sources, Some(LONG))?, [0]);
        assert_eq!(receiver.recv()?, 1);
        drop(held);
        assert_eq!(wait_any(&sources, Some(LONG))?, [1]);
        child.join()?;
        Ok(())
    }

    #[test]
    fn an_end_does_not_travel_as_bytes() -> Nothing {
        let (_receiver, sender) = pipe::<u8>()?;
        let (_other, through) = pipe::<Sender<u8>>()?;
        let refused = through.send(sender).unwrap_err();
        assert!(matches!(refused.cause(), SendCause::Encode(_)), "{refused}");
        Ok(())
    }

    #[test]
    fn nothing_is_left_open() -> Nothing {
        fn open() -> usize {
            std::fs::read_dir("/proc/self/fd").expect("/proc is there").count()
        }
        // Counted where no other test opens anything.
        let counted = Process::spawn(
            |()| -> Result<(usize, usize), String> {
                let say = |error: &dyn std::error::Error| error.to_string();
                let before = open();
                for _ in 0..10 {
                    let (here, there) = duplex::<Vec<u8>, ()>().map_err(|e| say(&e))?;
                    let clone = there.clone();
                    here.send(vec![1; 100_000]).map_err(|e| say(&e))?;
                    here.send(vec![2; 10]).map_err(|e| say(&e))?;
                    there.recv().map_err(|e| say(&e))?;
                    // The second message, and a third with its file, are never received.
                    here.send(vec![3; 100_000]).map_err(|e| say(&e))?;
                    drop((clone, there));
                    assert!(here.send(vec![4; 100_000]).is_err());
                }
                Ok((before, open()))
            },
            (),
        )?;
        let (before, after) = counted.join()??;
        assert_eq!(before, after);
        Ok(())
    }

    #[test]
    fn no_descriptor_is_left_is_an_error() -> Nothing {
        let child = Process::spawn(
            |()| {
                let mut all = Vec::new();
                loop {
                    match pipe::<u8>() {
                        Ok(ends) => all.push(ends),
                        Err(Error::Os { call, source }) => return format!("{call}: {source}"),
                        Err(other) => return other.to_string(),
                    }
                    assert!(all.len() < 2_000_000);
                }
            },
            (),
        )?;
        let said = child.join()?;
        assert!(said.contains("socketpair"), "{said}");
        Ok(())
    }
}
