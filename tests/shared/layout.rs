//! A type is known by how it lies in memory: a program in which it lies otherwise is refused.

use std::cell::Cell;
use std::mem::offset_of;

use multiproc::{Event, Layout, Lock, ProcessSafe, RLock, Semaphore, Shared};

/// Two versions of one program, as the types of each.
macro_rules! version {
    ($name:ident { $($field:ident: $type:ty),* }) => {
        mod $name {
            #[allow(unused_imports)]
            use super::*;
            #[derive(ProcessSafe)]
            #[allow(dead_code, reason = "only its layout is looked at")]
            pub(super) struct Stats { $($field: $type),* }
        }
    };
}
version!(first { a: u32, b: u32, lock: Lock<(u8, u32)> });
version!(same { a: u32, b: u32, lock: Lock<(u8, u32)> });
version!(renamed { a: u32, c: u32, lock: Lock<(u8, u32)> });
version!(swapped { b: u32, a: u32, lock: Lock<(u8, u32)> });
version!(float { a: u32, b: f32, lock: Lock<(u8, u32)> });
version!(deep { a: u32, b: u32, lock: Lock<(u8, i32)> });
version!(wider { a: u32, b: u64, lock: Lock<(u8, u32)> });

#[test]
fn a_struct_is_known_by_the_names_places_and_types_of_its_parts() {
    let first = first::Stats::LAYOUT;
    assert_eq!(first, same::Stats::LAYOUT);
    let others = [
        renamed::Stats::LAYOUT,
        swapped::Stats::LAYOUT,
        float::Stats::LAYOUT,
        deep::Stats::LAYOUT,
        wider::Stats::LAYOUT,
    ];
    assert!(!others.contains(&first));
}

/// Another compiler might lay out the same type so.
#[test]
fn a_tuple_is_known_by_the_places_of_its_parts() {
    let laid =
        |first, second| Layout::of::<(u8, u32)>().part::<u8>("0", first).part::<u32>("1", second);
    let real = <(u8, u32)>::LAYOUT;
    let places = (offset_of!((u8, u32), 0), offset_of!((u8, u32), 1));
    assert_eq!(real, laid(places.0, places.1));
    assert_ne!(real, laid(5, 0));
}

#[test]
fn types_of_one_size_are_told_apart() {
    let layouts = [
        u32::LAYOUT,
        i32::LAYOUT,
        f32::LAYOUT,
        <[u16; 2]>::LAYOUT,
        <(u16, u16)>::LAYOUT,
        <Cell<u32>>::LAYOUT,
        Event::LAYOUT,
        Semaphore::LAYOUT,
        <Lock<u64>>::LAYOUT,
        <Lock<i64>>::LAYOUT,
        <RLock<u64>>::LAYOUT,
        <RLock<i64>>::LAYOUT,
    ];
    for (i, layout) in layouts.iter().enumerate() {
        assert!(!layouts[..i].contains(layout), "number {i}");
    }
}

/// As an implementation that says nothing of it has it.
#[test]
fn a_type_that_tells_no_parts_is_known_by_its_size_and_its_alignment() {
    #[repr(C)]
    struct Own(u32, u32);
    // SAFETY: repr(C), and two numbers.
    unsafe impl ProcessSafe for Own {}
    assert_eq!(Own::LAYOUT, Layout::of::<[u32; 2]>());
    assert_ne!(Own::LAYOUT, Layout::of::<u64>());
    let own = Shared::new(Own(1, 2)).unwrap();
    assert_eq!((own.0, own.1), (1, 2));
}
