//! Every operation of a shared array, against a `Vec`.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use multiproc::SharedArray;

#[derive(Arbitrary, Debug)]
enum Turn {
    Get(usize),
    Set(usize, u16),
    Swap(usize, u16),
    FetchAdd(usize, u16),
    CompareExchange(usize, u16, u16),
    Read { start: usize, length: u8 },
    Write { start: usize, from: Vec<u16> },
    All,
}

fuzz_target!(|play: (Vec<u16>, Vec<Turn>)| {
    let (mut model, turns) = play;
    if model.is_empty() {
        assert!(SharedArray::new(&model).is_err());
        return;
    }
    let array = SharedArray::new(&model).unwrap();
    let len = model.len();
    for turn in turns {
        match turn {
            Turn::Get(at) => assert_eq!(array.get(at).ok(), model.get(at).copied()),
            Turn::Set(at, value) => {
                let place = model.get_mut(at).map(|place| *place = value);
                assert_eq!(array.set(at, value).ok(), place);
            }
            Turn::Swap(at, value) => {
                let old = model.get_mut(at).map(|place| std::mem::replace(place, value));
                assert_eq!(array.swap(at, value).ok(), old);
            }
            Turn::FetchAdd(at, more) => {
                let old = model.get_mut(at).map(|place| {
                    std::mem::replace(place, place.wrapping_add(more))
                });
                assert_eq!(array.fetch_add(at, more).ok(), old);
            }
            Turn::CompareExchange(at, old, new) => {
                let outcome = model.get_mut(at).map(|place| {
                    if *place == old { Ok(std::mem::replace(place, new)) } else { Err(*place) }
                });
                assert_eq!(array.compare_exchange(at, old, new).ok(), outcome);
            }
            Turn::Read { start, length } => {
                let mut into = vec![0; usize::from(length)];
                let fits = start.checked_add(into.len()).is_some_and(|end| end <= len);
                assert_eq!(array.copy_to_slice(start, &mut into).is_ok(), fits);
                if fits {
                    assert_eq!(into, model[start..][..into.len()]);
                }
            }
            Turn::Write { start, from } => {
                let fits = start.checked_add(from.len()).is_some_and(|end| end <= len);
                assert_eq!(array.write_slice(start, &from).is_ok(), fits);
                if fits {
                    model[start..][..from.len()].copy_from_slice(&from);
                }
            }
            Turn::All => assert_eq!(array.to_vec(), model),
        }
    }
    assert!(array.iter().eq(model.iter().copied()));
});
