//! The shared array: what it holds and refuses, between threads and processes. (In any order: properties.)
#![cfg(not(modelled))]

use std::fmt::Debug;
use std::thread;
use std::time::{Duration, Instant};

use multiproc::{
    Element, Error, IndexOutOfRange, Process, SharedArray, TryLockError, ValueTooLong,
};

/// Long enough that only a hang reaches it.
const EVER: Duration = Duration::from_secs(60);

#[test]
fn it_holds_what_it_was_made_of() {
    assert_eq!(SharedArray::new(&[1, 2, 3, 4]).unwrap().to_vec(), [1, 2, 3, 4]);
    assert_eq!(SharedArray::<i16>::zeroed(5).unwrap().to_vec(), [0; 5]);
    let array = SharedArray::from_iter((0..3).map(f64::from)).unwrap();
    assert_eq!(array.iter().rev().collect::<Vec<_>>(), [2.0, 1.0, 0.0]);
    assert_eq!((array.len(), array.is_empty()), (3, false));
    let mut elements = array.iter();
    assert_eq!((elements.len(), elements.nth(1), elements.len()), (3, Some(1.0), 1));
    assert_eq!(format!("{elements:?}"), "[2.0]");
    let mut next = 0.0;
    for element in &array {
        assert_eq!(element, next);
        next += 1.0;
    }
    assert_eq!(next, 3.0);
    assert_eq!(format!("{array:?}"), "[0.0, 1.0, 2.0]");
}

/// What every type of element does alike.
fn exercise<T: Element + PartialEq + std::fmt::Debug>(one: T, two: T, three: T) {
    let array = SharedArray::new(&[one, one]).unwrap();
    let other = array.clone();
    array.set(1, two).unwrap();
    assert_eq!(other.get(1), Ok(two));
    assert_eq!(other.fetch_add(1, one), Ok(two));
    assert_eq!(array.swap(1, one), Ok(three));
    assert_eq!(array.compare_exchange(1, two, three), Ok(Err(one)));
    assert_eq!(array.compare_exchange(1, one, three), Ok(Ok(one)));
    assert_eq!(other.to_vec(), [one, three]);
}

#[test]
fn every_type_of_element_does_the_same() {
    exercise(1u8, 2, 3);
    exercise(1u16, 2, 3);
    exercise(1u32, 2, 3);
    exercise(1u64, 2, 3);
    exercise(-1i8, -2, -3);
    exercise(-1i16, -2, -3);
    exercise(-1i32, -2, -3);
    exercise(-1i64, -2, -3);
    exercise(0.5f32, 1.0, 1.5);
    exercise(0.5f64, 1.0, 1.5);
}

#[test]
fn integers_wrap_and_floats_compare_by_their_bits() {
    let bytes = SharedArray::new(&[255u8]).unwrap();
    assert_eq!(bytes.fetch_add(0, 2), Ok(255));
    assert_eq!(bytes.get(0), Ok(1));
    let floats = SharedArray::new(&[f64::NAN, 0.0]).unwrap();
    assert!(floats.compare_exchange(0, f64::NAN, 1.0).unwrap().is_ok());
    assert!(floats.compare_exchange(1, -0.0, 1.0).unwrap().is_err());
}

#[test]
fn an_index_that_is_not_there_is_named() {
    let array = SharedArray::new(&[1, 2, 3, 4, 5]).unwrap();
    let missing = IndexOutOfRange { index: 7, len: 5 };
    assert_eq!(missing.to_string(), "index 7 is out of range: the array has 5 elements");
    assert_eq!(array.get(7), Err(missing));
    assert_eq!(array.set(7, 0), Err(missing));
    assert_eq!(array.swap(7, 0), Err(missing));
    assert_eq!(array.fetch_add(7, 0), Err(missing));
    assert_eq!(array.compare_exchange(7, 0, 0), Err(missing));
    assert_eq!(array.get(usize::MAX).unwrap_err().index, usize::MAX);
}

#[test]
fn slices_go_in_and_out_whole_or_not_at_all() {
    let array = SharedArray::new(&[1, 2, 3, 4, 5]).unwrap();
    array.write_slice(1, &[20, 30]).unwrap();
    let mut part = [0; 3];
    array.copy_to_slice(2, &mut part).unwrap();
    assert_eq!(part, [30, 4, 5]);
    array.write_slice(5, &[]).unwrap();
    assert_eq!(array.write_slice(3, &[9; 3]), Err(IndexOutOfRange { index: 5, len: 5 }));
    assert_eq!(array.write_slice(6, &[]), Err(IndexOutOfRange { index: 6, len: 5 }));
    assert_eq!(array.copy_to_slice(usize::MAX, &mut part).unwrap_err().index, usize::MAX);
    assert_eq!(array.to_vec(), [1, 20, 30, 4, 5]);
    assert_eq!(part, [30, 4, 5]);
}

#[test]
fn many_elements_of_every_type_go_in_and_out_at_every_place() {
    fn goes<T: Element + From<u8> + PartialEq + Debug>() {
        let values: Vec<T> = (0..=255).cycle().take(3000).map(T::from).collect();
        let array = SharedArray::new(&values).unwrap();
        assert_eq!(array.to_vec(), values);
        for (start, count) in
            (0..20).flat_map(|start| [0, 1, 31, 300, 1111].map(|count| (start, count)))
        {
            let mut part = vec![T::from(0); count + start];
            array.copy_to_slice(start * 7, &mut part[start..]).unwrap();
            assert_eq!(part[start..], values[start * 7..][..count]);
            let before = array.to_vec();
            array.write_slice(start * 5, &part[start..]).unwrap();
            let after = array.to_vec();
            assert_eq!(after[..start * 5], before[..start * 5]);
            assert_eq!(after[start * 5..][..count], part[start..]);
            assert_eq!(after[start * 5 + count..], before[start * 5 + count..]);
            array.write_slice(0, &values).unwrap();
        }
    }
    goes::<u8>();
    goes::<u16>();
    goes::<u32>();
    goes::<u64>();
    goes::<i16>();
    goes::<i32>();
    goes::<i64>();
    goes::<f32>();
    goes::<f64>();
}

#[test]
fn a_range_is_filled_and_nothing_beside_it() {
    let array = SharedArray::<u16>::zeroed(5000).unwrap();
    array.fill(1..=2, 7).unwrap();
    array.fill(4990.., 9).unwrap();
    array.fill(100..4000, 3).unwrap();
    let expected = |at| match at {
        1 | 2 => 7,
        100..4000 => 3,
        4990.. => 9,
        _ => 0,
    };
    assert_eq!(array.to_vec(), (0..5000).map(expected).collect::<Vec<u16>>());
    array.fill(.., 1).unwrap();
    assert_eq!(array.to_vec(), [1; 5000]);
    array.fill(5000.., 2).unwrap();
    array.fill(..0, 2).unwrap();
    let missing = IndexOutOfRange { index: 5000, len: 5000 };
    assert_eq!(array.fill(4999..5001, 2), Err(missing));
    assert_eq!(array.fill(..=usize::MAX, 2), Err(missing));
    assert_eq!(array.fill(6000.., 2).unwrap_err().index, 6000);
    assert_eq!(array.to_vec(), [1; 5000]);
}

#[test]
fn the_value_of_bytes_ends_at_the_first_zero() {
    let text = SharedArray::new(b"Hello").unwrap();
    text.set(0, b'h').unwrap();
    assert_eq!(text.value(), b"hello");
    text.set_value(b"hi").unwrap();
    assert_eq!(text.value(), b"hi");
    assert_eq!(text.to_vec(), b"hi\0lo");
    let error = text.set_value(b"too long").unwrap_err();
    assert_eq!(error, ValueTooLong { size: 8, max: 5 });
    assert_eq!(error.to_string(), "a value of 8 bytes is too long: the array has 5");
    assert_eq!(text.value(), b"hi");
}

#[test]
fn lengths_that_cannot_be_are_refused() {
    let error = SharedArray::<u32>::zeroed(0).unwrap_err();
    assert!(error.to_string().starts_with("an array length of 0 cannot be made"), "{error}");
    let error = SharedArray::<u64>::zeroed(usize::MAX).unwrap_err();
    assert!(matches!(error, Error::Capacity { asked: usize::MAX, .. }), "{error}");
    let error = SharedArray::<u8>::zeroed(1 << 50).unwrap_err();
    assert!(matches!(error, Error::OutOfMemory { .. }), "{error}");
}

#[test]
fn additions_of_many_threads_all_count() {
    let counts = SharedArray::<u64>::zeroed(2).unwrap();
    let sums = SharedArray::<f64>::zeroed(1).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for i in 0..10_000 {
                    counts.fetch_add(i % 2, 1).unwrap();
                    sums.fetch_add(0, 0.5).unwrap();
                }
            });
        }
    });
    assert_eq!(counts.to_vec(), [20_000, 20_000]);
    assert_eq!(sums.get(0), Ok(20_000.0));
}

#[test]
fn the_lock_keeps_others_out_of_a_change_of_several() {
    let pair = SharedArray::<u32>::zeroed(2).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 1..=5_000 {
                let _held = pair.lock().unwrap();
                pair.set(0, n).unwrap();
                pair.set(1, n).unwrap();
            }
        });
        for _ in 0..5_000 {
            let _held = pair.lock_for(EVER).unwrap();
            assert_eq!(pair.get(0), pair.get(1));
        }
    });
    let _held = pair.lock().unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            assert!(matches!(pair.try_lock(), Err(TryLockError::WouldBlock)));
            assert!(matches!(pair.lock_until(Instant::now()), Err(TryLockError::WouldBlock)));
        });
    });
}

#[test]
fn a_child_sees_it_and_changes_it() {
    let text = SharedArray::new(b"Hello").unwrap();
    let seen = Process::spawn(
        |text: SharedArray<u8>| {
            let seen = text.to_vec();
            text.set(0, b'h').unwrap();
            seen
        },
        text.clone(),
    )
    .unwrap();
    assert_eq!(seen.join().unwrap(), b"Hello");
    assert_eq!(text.value(), b"hello");
}

#[test]
fn a_child_that_dies_with_the_lock_is_reported() {
    let array = SharedArray::<u32>::zeroed(1).unwrap();
    let child = Process::spawn(
        |array: SharedArray<u32>| {
            let _held = array.lock().unwrap();
            if array.get(0) == Ok(0) {
                std::process::abort();
            }
        },
        array.clone(),
    )
    .unwrap();
    assert!(child.join().is_err());
    drop(array.lock_for(EVER).unwrap_err());
    array.clear_poison();
    drop(array.lock().unwrap());
}
