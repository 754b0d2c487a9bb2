//! A constructor of the program, which the loader comes to after this crate's own part before `main`.

use std::ffi::c_char;
use std::sync::OnceLock;

use crate::program;

/// What a child's constructor does beside: one of [`constructor_of_main`]'s.
pub(crate) const MODE: &str = "MULTIPROC_STARTS_CONSTRUCTOR";

/// So many processes come there if children start children before `main`: enough to be seen.
const TOO_MANY: usize = 100;

static SAID: OnceLock<String> = OnceLock::new();

/// What it has come to in this process.
pub(crate) fn said() -> String {
    SAID.get().map_or_else(|| "did not run".to_owned(), String::clone)
}

#[unsafe(no_mangle)]
extern "C" fn constructor_of_main(
    argc: i32,
    argv: *const *const c_char,
    envp: *const *const c_char,
) {
    unsafe extern "C" {
        static environ: *const *const c_char;
    }
    if program::note("later") > TOO_MANY {
        std::process::exit(99);
    }
    match std::env::var(MODE).as_deref() {
        Ok("exits") => std::process::exit(3),
        Ok("panics") => panic!("in a constructor"),
        _ => {}
    }
    // SAFETY: libc sets it before all constructors; an address is only compared.
    let is_environment = unsafe { envp == environ };
    let args: Vec<_> = std::env::args_os().collect();
    // SAFETY: so many texts are there, and they are the process's.
    let same = |at: usize| unsafe { std::ffi::CStr::from_ptr(*argv.add(at)) }.to_bytes()
        == args[at].as_encoded_bytes();
    let as_main = is_environment && args.len() == argc as usize && (0..args.len()).all(same);
    let twins = match twin::Process::spawn(|n: u64| n + 1, 4) {
        Ok(child) => format!("{:?}", child.join()),
        Err(error) => format!("refused, {error:?}"),
    };
    let ran = if as_main { "ran" } else { "ran with other arguments" };
    let said = format!("{ran}, spawn {}, twin's {twins}", program::spawn());
    SAID.set(said).expect("it runs once");
}
