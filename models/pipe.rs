//! `pipe`: messages arrive whole, once and in their sender's order; the end is seen; nobody sleeps
//! over a message, room or the end.
//!
//! The packets themselves are the kernel's: here they are a queue with room for two, each packet
//! one step. What is explored is the waiting around them, which is ours. The mutant
//! `socket.packets` is a pipe of bytes instead, as Python's is: it tears.

use multiproc::{Receiver, RecvError, SendCause, Sender, pipe};

use crate::harness::{Model, models};
use crate::stage::{JoinHandle, reached, spawn};

models! {
    two_senders: Model {
        shows: "two threads send into one end: none torn, none lost, then the end",
        min_explored: 240,
        must_reach: &["overtaken"],
        run: || {
            let (receiver, sender) = pipe::<Message>().unwrap();
            let first = send(sender.clone(), 1);
            let second = send(sender, 2);
            let received = all(&receiver);
            match received[..] {
                [(1, ..), (2, ..)] => {}
                [(2, ..), (1, ..)] => reached("overtaken"),
                _ => panic!("{received:?}"),
            }
            first.join();
            second.join();
        },
    };

    full: Model {
        shows: "a sender of more than there is room for waits, and its messages keep their order",
        min_explored: 2_400,
        must_reach: &["waited"],
        run: || {
            let (receiver, sender) = pipe::<Message>().unwrap();
            let sending = spawn(move || {
                for n in 0..3 {
                    if let Err(refused) = sender.try_send((1, n, 1)) {
                        assert!(matches!(refused.cause(), SendCause::Full));
                        reached("waited");
                        sender.send(refused.into_inner()).unwrap();
                    }
                }
            });
            assert!(all(&receiver).into_iter().map(|one| one.1).eq(0..3));
            sending.join();
        },
    };

    two_receivers: Model {
        shows: "two receivers share one end: each message comes to one, the end to both",
        min_explored: 500,
        must_reach: &["shared"],
        run: || {
            let (receiver, sender) = pipe::<Message>().unwrap();
            let other = receiver.clone();
            let sending = spawn(move || {
                for n in 0..2 {
                    sender.send((1, n, 1)).unwrap();
                }
                drop(sender);
                all(&other).len()
            });
            let here = all(&receiver).len();
            let there = sending.join();
            assert_eq!(here + there, 2);
            if here == 1 {
                reached("shared");
            }
        },
    };

    hang_up: Model {
        shows: "a sender that waits for room learns that the receiver left",
        min_explored: 18,
        must_reach: &["refused", "sent"],
        run: || {
            let (receiver, sender) = pipe::<Message>().unwrap();
            let leaving = spawn(move || drop(receiver));
            for n in 0..3 {
                match sender.send((1, n, 1)) {
                    Ok(()) => reached("sent"),
                    Err(refused) => {
                        assert!(matches!(refused.cause(), SendCause::Disconnected));
                        reached("refused");
                    }
                }
            }
            leaving.join();
        },
    };
}

/// Who sent it, its number, and who sent it once more: a torn one does not match.
type Message = (u8, u8, u8);

fn send(sender: Sender<Message>, id: u8) -> JoinHandle<()> {
    spawn(move || sender.send((id, 0, id)).unwrap())
}

/// Everything up to the end.
fn all(receiver: &Receiver<Message>) -> Vec<Message> {
    let mut received = Vec::new();
    loop {
        match receiver.recv() {
            Ok(message) => {
                assert_eq!(message.0, message.2, "torn");
                received.push(message);
            }
            Err(RecvError::Closed) => return received,
            Err(error) => panic!("{error}"),
        }
    }
}
