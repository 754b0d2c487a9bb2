//! The program of `../program.rs`, and this crate twice more: as a dependency in another version,
//! and in a library that is loaded while it runs.

// The crate that is named first is linked last.
extern crate later;

mod constructor;
mod locals;
#[path = "../program.rs"]
mod program;

use std::ffi::CString;

use multiproc::{Pool, Process};

/// The library, or nothing where none can be loaded.
const LIBRARY: &str = "MULTIPROC_STARTS_LIBRARY";

fn main() {
    later::link();
    program::run();
    println!("constructor: {}", constructor::said());
    let in_child = |()| constructor::said();
    println!("constructor in a child: {:?}", Process::spawn(in_child, ()).unwrap().join());
    println!("constructor in a twin: {:?}", twin::Process::spawn(in_child, ()).unwrap().join());
    let in_worker = Pool::new(1).unwrap().apply(in_child, ());
    println!("constructor in a worker: {in_worker:?}");
    // Each copy's children are its own, whichever of them the loader comes to first.
    let twins = twin::Process::spawn(|n: u64| n + 2, 4).unwrap().join();
    println!("twin: {twins:?}");
    let twin_in_child = |n: u64| twin::Process::spawn(|n: u64| n + 1, n).unwrap().join().unwrap();
    println!("twin in a child: {:?}", Process::spawn(twin_in_child, 4).unwrap().join());
    let child_in_twin = |n: u64| Process::spawn(|n: u64| n + 1, n).unwrap().join().unwrap();
    println!("child in a twin: {:?}", twin::Process::spawn(child_in_twin, 4).unwrap().join());
    println!("guards: {}", locals::guards_of_an_ending_thread());
    let in_child = |()| locals::guards_of_an_ending_thread();
    println!("guards in a child: {:?}", Process::spawn(in_child, ()).unwrap().join());
    for mode in ["exits", "panics"] {
        // SAFETY: no other thread of this program has to do with the environment.
        unsafe { std::env::set_var(constructor::MODE, mode) };
        println!("constructor that {mode}: {:?}", Process::spawn(in_child, ()).unwrap().join());
    }
    // SAFETY: as above.
    unsafe { std::env::remove_var(constructor::MODE) };
    if let Ok(library) = std::env::var(LIBRARY) {
        println!("library: {}", load(library.clone()));
        println!("library in a child: {:?}", Process::spawn(load, library).unwrap().join());
    }
}

/// Loads the library, and gives what comes of having a child there.
fn load(library: String) -> String {
    let library = CString::new(library).unwrap();
    // SAFETY: what it does when it is loaded is this crate's.
    let library = unsafe { libc::dlopen(library.as_ptr(), libc::RTLD_NOW) };
    assert!(!library.is_null());
    // SAFETY: it is a library, and this a text.
    let function = unsafe { libc::dlsym(library, c"child_of_a_library".as_ptr()) };
    assert!(!function.is_null());
    // SAFETY: library.rs says that it is of this type.
    let function: extern "C" fn() -> *mut String = unsafe { std::mem::transmute(function) };
    // SAFETY: a box that library.rs has made, with the same allocator: the system's.
    *unsafe { Box::from_raw(function()) }
}
