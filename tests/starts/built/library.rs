//! A library that has this crate in it.

use multiproc::Process;

/// What comes of having a child in a library; in a box of the caller's.
#[unsafe(no_mangle)]
pub extern "C" fn child_of_a_library() -> *mut String {
    let said = match Process::spawn(|n: u64| n + 1, 4) {
        Ok(child) => format!("{:?}", child.join()),
        Err(error) => format!("refused, {error:?}"),
    };
    Box::into_raw(Box::new(said))
}
