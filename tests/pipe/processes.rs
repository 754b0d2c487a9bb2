//! Pipes between processes.

use multiproc::{Connection, Error, Process, Receiver, Sender};

use super::*;
use crate::no_descriptors::NoDescriptors;

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
    let children: Vec<_> =
        (0..5).map(|id| Process::spawn(work, (id, sender.clone()))).collect::<Result<_, _>>()?;
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
    let sources: [&dyn multiproc::Waitable; 2] = [&receiver, &child];
    assert_eq!(wait_any_for(&sources, LONG)?, [0]);
    assert_eq!(receiver.recv()?, 1);
    drop(held);
    assert_eq!(wait_any_for(&sources, LONG)?, [1]);
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
fn no_descriptor_is_left_for_a_long_message_is_an_error() -> Nothing {
    let receive = |()| {
        let (receiver, sender) = pipe::<Vec<u8>>().expect("two descriptors");
        sender.send(vec![1; 100_000]).expect("room");
        sender.send(vec![2; 10]).expect("room");
        let _none = NoDescriptors::begin();
        let error = receiver.recv().expect_err("no descriptor is left");
        let typed = matches!(&error, RecvError::Os { source, .. }
            if source.raw_os_error() == Some(nix::libc::EMFILE));
        assert!(typed, "{error}");
        (error.to_string(), receiver.recv().expect("the next"))
    };
    let (said, next) = Process::spawn(receive, ())?.join()?;
    assert!(said.contains("is lost"), "{said}");
    assert_eq!(next, [2; 10]);
    Ok(())
}

#[test]
fn trouble_ends_a_loop_and_the_next_goes_on() -> Nothing {
    let receive = |()| {
        let (receiver, sender) = pipe::<Vec<u8>>().expect("two descriptors");
        sender.send(vec![1; 100_000]).expect("room");
        sender.send(vec![2; 10]).expect("room");
        let _none = NoDescriptors::begin();
        let mut messages = receiver.iter();
        assert!(matches!(messages.next(), Some(Err(RecvError::Os { .. }))), "none for the first");
        assert!(messages.next().is_none(), "it does not try for ever");
        drop(sender);
        receiver.into_iter().collect::<Result<Vec<_>, _>>().expect("the second")
    };
    assert_eq!(Process::spawn(receive, ())?.join()?, [[2; 10]]);
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
