//! A struct that derives `ProcessSafe` is what one with an `unsafe impl` by hand should be.

use std::marker::PhantomData;
use std::mem::offset_of;

use multiproc::{Layout, Lock, PoisonCause, Process, ProcessSafe, Shared, Value};

#[derive(ProcessSafe)]
struct Named {
    r#type: u8,
    lock: Lock<u64>,
    counts: [Value<u32>; 2],
}

#[derive(ProcessSafe)]
struct Numbered(u8, Lock<u32>);

#[derive(ProcessSafe)]
struct Unit;

#[derive(ProcessSafe)]
#[repr(C)]
struct Generic<T: Copy, const N: usize = 2>
where
    T: Send,
{
    cells: [Lock<T>; N],
    kind: PhantomData<fn(T) -> String>,
}

/// Of no value, so its parameter need not be `ProcessSafe`.
#[derive(ProcessSafe)]
struct Index<T> {
    place: u32,
    of: PhantomData<T>,
}

#[test]
fn its_layout_tells_each_part() {
    let named = Layout::of::<Named>()
        .part::<u8>("type", offset_of!(Named, r#type))
        .part::<Lock<u64>>("lock", offset_of!(Named, lock))
        .part::<[Value<u32>; 2]>("counts", offset_of!(Named, counts));
    assert_eq!(Named::LAYOUT, named);
    let numbered = Layout::of::<Numbered>()
        .part::<u8>("0", offset_of!(Numbered, 0))
        .part::<Lock<u32>>("1", offset_of!(Numbered, 1));
    assert_eq!(Numbered::LAYOUT, numbered);
    assert_eq!(Unit::LAYOUT, Layout::of::<Unit>());
    assert_ne!(Generic::<u32>::LAYOUT, Generic::<i32>::LAYOUT);
}

#[test]
fn it_is_pinned_if_a_part_is() {
    const { assert!(Named::PINNED && Numbered::PINNED && Generic::<u8>::PINNED) };
    const { assert!(!Unit::PINNED && !Index::<String>::PINNED) };
}

/// A lock that has not learned where it lies is not on its owner's list, and nobody hears of its death.
#[test]
fn every_lock_in_it_learns_that_it_is_shared() {
    fn dies_with_all(
        (named, numbered, generic): (Shared<Named>, Shared<Numbered>, Shared<Generic<u16>>),
    ) {
        let _guards = (named.lock.lock(), numbered.1.lock());
        let _cells = generic.cells.each_ref().map(Lock::lock);
        named.counts[1].set(named.r#type.into());
        std::process::abort();
    }
    let lock = || Lock::new(0);
    let named = Named { r#type: 7, lock: Lock::new(0), counts: [Value::new(0), Value::new(0)] };
    let named = Shared::new(named).unwrap();
    let numbered = Shared::new(Numbered(1, Lock::new(0))).unwrap();
    let generic = Shared::new(Generic { cells: [lock(), lock()], kind: PhantomData }).unwrap();
    let all = (named.clone(), numbered.clone(), generic.clone());
    Process::spawn(dies_with_all, all).unwrap().join().unwrap_err();

    assert_eq!(named.counts[1].get(), 7);
    let told = [
        named.lock.lock().map_err(|poisoned| poisoned.cause()).err(),
        numbered.1.lock().map_err(|poisoned| poisoned.cause()).err(),
        generic.cells[0].lock().map_err(|poisoned| poisoned.cause()).err(),
        generic.cells[1].lock().map_err(|poisoned| poisoned.cause()).err(),
    ];
    assert_eq!(told, [Some(PoisonCause::OwnerDied); 4]);
}

#[test]
fn a_child_has_it_as_it_is() {
    fn place(index: Shared<Index<String>>, _: Shared<Unit>) -> u32 {
        index.place
    }
    let index = Shared::new(Index::<String> { place: 5, of: PhantomData }).unwrap();
    let unit = Shared::new(Unit).unwrap();
    let child = Process::spawn(|(index, unit)| place(index, unit), (index, unit));
    assert_eq!(child.unwrap().join().unwrap(), 5);
}
