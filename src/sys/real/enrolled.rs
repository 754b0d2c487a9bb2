//! Where in shared memory this process has entered its life, so that it can take it out again when it
//! ends well. One that is killed cannot: what it has entered stays, and tells the others.
#![allow(clippy::disallowed_types, reason = "the shim itself")]

use std::ops::Range;
use std::ptr::{self, null_mut};
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering::*};

use crate::sys::real::entry::Entry;
use crate::sys::real::life::Life;

/// The places where this process is entered. No lock guards them: a forked child would have it as it
/// was when another thread of its parent held it.
static PLACES: AtomicPtr<Place> = AtomicPtr::new(null_mut());

/// Whether the end of the program will be noticed.
static REGISTERED: AtomicBool = AtomicBool::new(false);

/// Never freed, but used again.
struct Place {
    /// Null when it is free; with the lowest bit while somebody takes the life out there.
    entry: AtomicPtr<Entry>,
    next: AtomicPtr<Place>,
}

/// Set in an address that somebody is at.
const BUSY: usize = 1;

#[derive(Debug)]
pub(crate) struct Enrolled(());

impl Enrolled {
    /// The life of this process stands there now.
    ///
    /// # Safety
    /// The entry lies in shared memory, and before that is unmapped [`Enrolled::leave_in`] is called.
    pub(crate) unsafe fn remember(entry: &Entry) {
        let entry = ptr::from_ref(entry).cast_mut();
        // Relaxed: what stands there is this process's own, and only compared.
        if places().any(|place| place.entry.load(Relaxed) == entry) {
            return;
        }
        // Release: pairs with the Acquire in `leave`.
        let claim = |place: &Place| {
            place.entry.compare_exchange(null_mut(), entry, Release, Relaxed).is_ok()
        };
        if !places().any(claim) {
            push(entry);
        }
        // Relaxed: it carries nothing.
        if !REGISTERED.swap(true, Relaxed) {
            // SAFETY: the handler takes no lock and may run at any time. Without memory for it, this
            // process is taken for one that was killed.
            unsafe { on_exit(at_exit, null_mut()) };
        }
    }

    /// The memory in `range` is about to be unmapped: takes the life of this process out of all places
    /// there, to which it will not come any more. In a panic it stays: others may miss this process.
    pub(crate) fn leave_in(range: Range<usize>) {
        let well = !std::thread::panicking();
        places().for_each(|place| {
            while !leave(place, &range, well) {
                std::thread::yield_now();
            }
        });
    }

    /// This process ends well: nobody is to miss it.
    pub(crate) fn leave_all() {
        // Where another thread is at a place, that is left already.
        places().for_each(|place| _ = leave(place, &(0..usize::MAX), true));
    }

    /// In a child that was just forked: the places are its parent's.
    pub(super) fn forget() {
        // Relaxed: there is one thread.
        places().for_each(|place| place.entry.store(null_mut(), Relaxed));
    }
}

/// Whether the place is forgotten, if it is in `range`: false while another is at it. `well`, the life is
/// taken out before.
fn leave(place: &Place, range: &Range<usize>, well: bool) -> bool {
    // Acquire: pairs with the Release of whoever has put it there, or is done with it.
    let entry = place.entry.load(Acquire);
    if entry.is_null() || !range.contains(&entry.addr()) {
        return true;
    }
    let busy = entry.map_addr(|addr| addr | BUSY);
    // Acquire: as above. Relaxed: somebody else is at it, and it is not looked at.
    if entry == busy || place.entry.compare_exchange(entry, busy, Acquire, Relaxed).is_err() {
        return false;
    }
    if well {
        // SAFETY: mapped, since whoever unmaps it waits for this place (see `remember`).
        let entry = unsafe { &*entry };
        // Relaxed: a life stands for itself. If it fails, a peer has written there.
        let _ = entry.compare_exchange(Life::mine(), 0, Relaxed, Relaxed);
    }
    // Release: as above; the memory is not looked at any more.
    place.entry.store(null_mut(), Release);
    true
}

fn push(entry: *mut Entry) {
    // Relaxed: what is there is only pointed at; the exchange publishes `next`.
    let place = Box::leak(Box::new(Place {
        entry: AtomicPtr::new(entry),
        next: AtomicPtr::new(PLACES.load(Relaxed)),
    }));
    // Release: pairs with the Acquire in `places`.
    while let Err(newer) =
        PLACES.compare_exchange(place.next.load(Relaxed), place, Release, Relaxed)
    {
        place.next.store(newer, Relaxed);
    }
}

fn places() -> impl Iterator<Item = &'static Place> {
    // Acquire: pairs with the Release in `push`; carries the place's first contents. Those of the places
    // behind it, too: each exchange of PLACES goes on with the releases before it. Relaxed: so `next` is
    // there.
    let first = PLACES.load(Acquire);
    // SAFETY: places are never freed, and linked for good.
    std::iter::successors(unsafe { first.as_ref() }, |place| unsafe {
        place.next.load(Relaxed).as_ref()
    })
}

unsafe extern "C" {
    /// glibc's `atexit` with the status.
    fn on_exit(
        handler: extern "C" fn(libc::c_int, *mut libc::c_void),
        argument: *mut libc::c_void,
    ) -> libc::c_int;
}

extern "C" fn at_exit(status: libc::c_int, _: *mut libc::c_void) {
    // Another handler may still enter this process somewhere, and then this one is to come again.
    // Relaxed: it carries nothing.
    REGISTERED.store(false, Relaxed);
    // The system keeps the lowest 8 bits.
    if status & 0xff == 0 {
        Enrolled::leave_all();
    }
}
