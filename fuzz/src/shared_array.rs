//! Every operation of a shared array, compared with its model: of integers, of floats and of bytes.

use arbitrary::Arbitrary;
use multiproc::{SharedArray, fuzz_support};

use super::agree::{agree, ready};
use super::model::Model;
use super::model::lock::{self, LockModel};
use super::model::shared_array::{self, ArrayModel, perform, view};
use super::model::wait::{Span, Wait};

#[derive(Arbitrary, Debug)]
enum Op {
    Get(usize),
    Set(usize, u16),
    Swap(usize, u16),
    FetchAdd(usize, u16),
    CompareExchange(usize, u16, u16),
    Read { start: usize, length: u8 },
    Write { start: usize, from: Vec<u16> },
    Lock(u8),
    Unlock,
    Attach,
    Observe,
}

#[derive(Arbitrary, Debug)]
struct Input {
    elements: Vec<u16>,
    operations: Vec<Op>,
    floats: Vec<(u8, f32)>,
    text: Vec<u8>,
}

pub(super) fn run(bytes: &[u8]) {
    let Some(Input { elements, operations, floats, text }) = super::decode(bytes) else { return };
    if elements.is_empty() {
        assert!(SharedArray::new(&elements).is_err());
        return;
    }
    let first = SharedArray::new(&elements).unwrap();
    let mut array = first.clone();
    let len = elements.len();
    let mut model = ArrayModel { elements, lock: LockModel::default() };
    let mut guards = Vec::new();
    for op in operations {
        use shared_array::Op as A;
        let op = match op {
            Op::Get(at) => A::Get(at),
            Op::Set(at, value) => A::Set(at, value),
            Op::Swap(at, value) => A::Swap(at, value),
            Op::FetchAdd(at, more) => A::FetchAdd(at, more),
            Op::CompareExchange(at, old, new) => A::CompareExchange(at, old, new),
            Op::Read { start, length } => A::CopyToSlice(start, length.into()),
            Op::Write { start, from } => A::WriteSlice(start, from),
            Op::Lock(form) => {
                let wait = match form % 4 {
                    0 => Wait::Ever,
                    1 => Wait::For(Span::Zero),
                    2 => Wait::Until(Span::Zero),
                    _ => Wait::Not,
                };
                ready(&model, 0, wait, Wait::Not, |wait| A::Lock(lock::Op::Lock(wait)))
            }
            Op::Unlock => A::Lock(lock::Op::Unlock),
            Op::Attach => {
                let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&array)).unwrap();
                array = fuzz_support::attached(fd).unwrap();
                continue;
            }
            Op::Observe => {
                assert_eq!(view(&array), model.view());
                continue;
            }
        };
        match op {
            // By the first handle, from which the guards borrow.
            A::Lock(_) => agree(&mut model, 0, op, |op| perform(&first, op, &mut guards)),
            op => agree(&mut model, 0, op, |op| perform(&array, op, &mut Vec::new())),
        }
    }
    assert_eq!(view(&array), model.view());
    run_floats(&floats);
    run_text(len, text);
}

fn run_floats(floats: &[(u8, f32)]) {
    let array = SharedArray::<f32>::zeroed(16).unwrap();
    let mut model = ArrayModel { elements: vec![0.0; 16], lock: LockModel::default() };
    for &(at, value) in floats {
        let index = usize::from(at % 16);
        let op = match at / 16 % 3 {
            0 => shared_array::Op::Swap(index, value),
            1 => shared_array::Op::FetchAdd(index, value),
            _ => shared_array::Op::Get(index),
        };
        agree(&mut model, 0, op, |op| perform(&array, op, &mut Vec::new()));
    }
}

fn run_text(len: usize, text: Vec<u8>) {
    let array = SharedArray::<u8>::zeroed(len).unwrap();
    let mut model = ArrayModel { elements: vec![0; len], lock: LockModel::default() };
    let op = shared_array::Op::SetValue(text);
    agree(&mut model, 0, op, |op| perform(&array, op, &mut Vec::new()));
    assert_eq!(view(&array), model.view());
}
