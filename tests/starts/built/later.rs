//! What the loader runs before `main`, after what this crate has there: it stands in a crate of which
//! nothing depends on, and which depends on nothing, so that the linker puts it last.
#![no_std]

unsafe extern "C" {
    /// The program's.
    fn constructor_of_main(argc: i32, argv: *const *const i8, envp: *const *const i8);
}

#[used]
#[unsafe(link_section = ".init_array")]
static LATER: unsafe extern "C" fn(i32, *const *const i8, *const *const i8) =
    constructor_of_main;

/// Has the linker take this crate in.
pub fn link() {}
