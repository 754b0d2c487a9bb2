//! Every operation of a queue, compared with its model: messages of all lengths, in a ring so small that
//! it wraps all the time, by handles that were cloned and that were attached as in another process.

use arbitrary::Arbitrary;
use multiproc::{Queue, fuzz_support};

use super::agree::{agree, blocking, ready};
use super::model::Model;
use super::model::queue::{self, QueueModel, perform, view};
use super::model::text::Text;
use super::model::wait::{Span, Wait};

#[derive(Arbitrary, Debug)]
enum Op {
    Put {
        length: u16,
        letter: u8,
        wait: Wait,
    },
    Get(Wait),
    TaskDone,
    Join(Wait),
    Close,
    /// Continues with a clone, or with a handle that was attached as in a child.
    Clone,
    Attach,
    Observe,
}

#[derive(Arbitrary, Debug)]
struct Input {
    messages: u8,
    bytes: u16,
    operations: Vec<Op>,
}

pub(super) fn run(bytes: &[u8]) {
    let Some(Input { messages, bytes, operations }) = super::decode(bytes) else { return };
    let (messages, bytes) = (usize::from(messages % 9), usize::from(bytes % 4000));
    let mut queue = match Queue::<Text>::with_bytes(messages, bytes) {
        Ok(queue) => queue,
        Err(_) => return assert!(messages == 0 || bytes == 0),
    };
    assert!(messages > 0 && bytes > 0);
    let mut model = QueueModel::new(messages, bytes);
    for op in operations {
        let op = match op {
            Op::Put { length, letter, wait } => {
                let text = Text::new(letter_of(letter), usize::from(length % 4100));
                ready(&model, 0, wait, Wait::Not, |wait| queue::Op::Put(text, wait))
            }
            Op::Get(wait) => ready(&model, 0, wait, Wait::Not, queue::Op::Get),
            Op::TaskDone => queue::Op::TaskDone,
            Op::Join(wait) => {
                ready(&model, 0, blocking(wait), Wait::For(Span::Zero), queue::Op::Join)
            }
            Op::Close => queue::Op::Close,
            Op::Clone => {
                queue = queue.clone();
                continue;
            }
            Op::Attach => {
                let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&queue)).unwrap();
                queue = fuzz_support::attached(fd).unwrap();
                continue;
            }
            Op::Observe => {
                assert_eq!(view(&queue), model.view());
                continue;
            }
        };
        agree(&mut model, 0, op, |op| perform(&queue, op));
    }
    assert_eq!(view(&queue), model.view());
    while !queue.is_empty() {
        agree(&mut model, 0, queue::Op::Get(Wait::Ever), |op| perform(&queue, op));
    }
}

/// A letter, and sometimes one that cannot be encoded or decoded.
fn letter_of(byte: u8) -> char {
    match byte {
        b'!' | b'?' => char::from(byte),
        _ => char::from(b'a' + byte % 26),
    }
}
