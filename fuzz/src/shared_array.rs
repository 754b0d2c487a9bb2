//! Every operation of a shared array, compared with a `Vec`: of integers and of floats.

use std::time::{Duration, Instant};

use arbitrary::Arbitrary;
use multiproc::{SharedArray, fuzz_support};

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
    All,
}

#[derive(Arbitrary, Debug)]
struct Input {
    elements: Vec<u16>,
    operations: Vec<Op>,
    floats: Vec<(u8, f32)>,
    text: Vec<u8>,
}

pub(super) fn run(bytes: &[u8]) {
    let Some(Input { elements: mut model, operations, floats, text }) = super::decode(bytes) else {
        return;
    };
    if model.is_empty() {
        assert!(SharedArray::new(&model).is_err());
        return;
    }
    let first = SharedArray::new(&model).unwrap();
    let mut array = first.clone();
    let len = model.len();
    let mut guard = None;
    for op in operations {
        match op {
            Op::Get(at) => assert_eq!(array.get(at).ok(), model.get(at).copied()),
            Op::Set(at, value) => {
                let place = model.get_mut(at).map(|place| *place = value);
                assert_eq!(array.set(at, value).ok(), place);
            }
            Op::Swap(at, value) => {
                let old = model.get_mut(at).map(|place| std::mem::replace(place, value));
                assert_eq!(array.swap(at, value).ok(), old);
            }
            Op::FetchAdd(at, more) => {
                let sum = |place: &mut u16| std::mem::replace(place, place.wrapping_add(more));
                assert_eq!(array.fetch_add(at, more).ok(), model.get_mut(at).map(sum));
            }
            Op::CompareExchange(at, old, new) => {
                let outcome = model.get_mut(at).map(|place| {
                    if *place == old { Ok(std::mem::replace(place, new)) } else { Err(*place) }
                });
                assert_eq!(array.compare_exchange(at, old, new).ok(), outcome);
            }
            Op::Read { start, length } => {
                let mut into = vec![0; usize::from(length)];
                let fits = start.checked_add(into.len()).is_some_and(|end| end <= len);
                assert_eq!(array.copy_to_slice(start, &mut into).is_ok(), fits);
                if fits {
                    assert_eq!(into, model[start..][..into.len()]);
                }
            }
            Op::Write { start, from } => {
                let fits = start.checked_add(from.len()).is_some_and(|end| end <= len);
                assert_eq!(array.write_slice(start, &from).is_ok(), fits);
                if fits {
                    model[start..][..from.len()].copy_from_slice(&from);
                }
            }
            Op::Lock(form) => {
                let locked = match form % 4 {
                    0 if guard.is_none() => first.lock().map_err(|_| ()),
                    1 => first.lock_for(Duration::ZERO).map_err(|_| ()),
                    2 => first.lock_until(Instant::now()).map_err(|_| ()),
                    _ => first.try_lock().map_err(|_| ()),
                };
                assert_eq!(locked.is_ok(), guard.is_none());
                guard = guard.or(locked.ok());
            }
            Op::Unlock => guard = None,
            Op::Attach => {
                let [fd] = <[_; 1]>::try_from(fuzz_support::descriptors(&array)).unwrap();
                array = fuzz_support::attached(fd).unwrap();
            }
            Op::All => assert_eq!(array.to_vec(), model),
        }
    }
    assert!(array.iter().eq(model.iter().copied()));
    assert_eq!(array.len(), len);
    run_floats(&floats);
    run_text(len, &text);
}

fn run_floats(floats: &[(u8, f32)]) {
    let array = SharedArray::<f32>::zeroed(16).unwrap();
    let mut model = [0.0f32; 16];
    for &(at, value) in floats {
        let place = usize::from(at % 16);
        let old = model[place];
        match at / 16 % 3 {
            0 => model[place] = value,
            1 => model[place] += value,
            _ => {}
        }
        let got = match at / 16 % 3 {
            0 => array.swap(place, value),
            1 => array.fetch_add(place, value),
            _ => array.get(place),
        };
        assert_eq!(got.unwrap().to_bits(), old.to_bits());
    }
}

fn run_text(len: usize, text: &[u8]) {
    let array = SharedArray::<u8>::zeroed(len).unwrap();
    let set = array.set_value(text);
    assert_eq!(set.is_ok(), text.len() <= len);
    if set.is_ok() {
        assert_eq!(array.value(), text.split(|&byte| byte == 0).next().unwrap_or_default());
    }
}
