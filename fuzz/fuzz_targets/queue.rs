//! Every operation of a queue, against a `VecDeque`: messages of all lengths, in a ring so small
//! that it wraps all the time.
#![no_main]

use std::collections::VecDeque;
use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use multiproc::{GetError, PutError, Queue};

#[derive(Arbitrary, Debug)]
enum Turn {
    Put { length: u8, filler: u8 },
    Get,
    GetFor,
    TaskDone,
    Close,
    Look,
}

#[derive(Arbitrary, Debug)]
struct Play {
    messages: u8,
    bytes: u8,
    turns: Vec<Turn>,
}

fuzz_target!(|play: Play| {
    let messages = usize::from(play.messages % 8) + 1;
    let Ok(queue) = Queue::<Vec<u8>>::with_bytes(messages, usize::from(play.bytes) + 1) else {
        return;
    };
    let mut model = VecDeque::new();
    let (mut put, mut done, mut closed) = (0, 0, false);
    for turn in play.turns {
        match turn {
            Turn::Put { length, filler } => {
                let message = vec![filler; usize::from(length)];
                match queue.try_put(message.clone()) {
                    Ok(()) => {
                        assert!(!closed && model.len() < queue.capacity());
                        model.push_back(message);
                        put += 1;
                    }
                    Err(PutError::Closed(back)) => assert!(closed && back == message),
                    Err(PutError::Full(back)) => {
                        assert!(!model.is_empty() && back == message, "an empty queue has room");
                    }
                    Err(PutError::TooLarge { value, size, max }) => {
                        assert!(value == message && size > max);
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            Turn::Get | Turn::GetFor => {
                let got = if matches!(turn, Turn::Get) {
                    queue.try_get()
                } else {
                    queue.get_for(Duration::ZERO)
                };
                match got {
                    Ok(message) => assert_eq!(Some(message), model.pop_front()),
                    Err(GetError::Closed) => assert!(closed && model.is_empty()),
                    Err(GetError::Empty | GetError::TimedOut) => {
                        assert!(!closed && model.is_empty());
                    }
                    Err(other) => panic!("{other}"),
                }
            }
            Turn::TaskDone => {
                let told = queue.task_done().is_ok();
                assert_eq!(told, done < put);
                done += usize::from(told);
            }
            Turn::Close => {
                queue.close();
                closed = true;
            }
            Turn::Look => {
                assert_eq!(queue.len(), model.len());
                assert_eq!(queue.is_empty(), model.is_empty());
                assert_eq!(queue.is_closed(), closed);
                assert_eq!(queue.unfinished(), put - done);
            }
        }
    }
});
