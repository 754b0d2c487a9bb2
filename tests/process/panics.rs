//! What a child's panic says on its standard error.

use std::io::Read;

use super::builder;
use crate::{Nothing, alone};
use multiproc::process::Stdio;
use multiproc::{Process, ProcessBuilder, ProcessError};

fn levi() -> ProcessBuilder {
    builder().name("Levi").stderr(Stdio::Piped).env("RUST_BACKTRACE", "0")
}

/// What it says until its end, and the panic that it ended by.
fn ended(child: Process<()>) -> (String, String) {
    let mut said = String::new();
    child.take_stderr().expect("it is a pipe").read_to_string(&mut said).unwrap();
    match child.join() {
        Err(ProcessError::Panicked { message, .. }) => (said, message),
        other => panic!("{other:?}: {said}"),
    }
}

#[test]
fn a_panic_names_the_process() -> Nothing {
    let line = line!() + 1;
    let child = levi().spawn(|n: u32| -> () { panic!("no {n}") }, 7)?;
    let (said, message) = ended(child);
    assert_eq!(message, "no 7");
    let begin = format!("\nprocess 'Levi' panicked at {}:{line}:", file!());
    assert!(said.starts_with(&begin), "{said}");
    assert!(said.contains(":\nno 7\nnote: run with `RUST_BACKTRACE=1`"), "{said}");
    assert!(!said.contains("unnamed"), "{said}");
    Ok(())
}

#[test]
fn a_panic_of_a_thread_names_both() -> Nothing {
    let child = levi().spawn(
        |()| {
            let named = std::thread::Builder::new().name("helper".into());
            named.spawn(|| panic!("in a thread")).unwrap().join().unwrap_err();
            panic!("as well");
        },
        (),
    )?;
    let (said, _) = ended(child);
    assert!(said.starts_with("\nthread 'helper' of the process 'Levi' panicked at "), "{said}");
    assert!(said.contains("\nprocess 'Levi' panicked at "), "{said}");
    Ok(())
}

#[test]
fn a_backtrace_is_shown_when_it_is_asked_for() -> Nothing {
    let child = levi().env("RUST_BACKTRACE", "1").spawn(|()| -> () { panic!("why") }, ())?;
    let (said, _) = ended(child);
    assert!(said.contains("why\nstack backtrace:\n"), "{said}");
    assert!(said.contains("multiproc::process::"), "{said}");
    Ok(())
}

#[test]
fn a_hook_that_the_function_sets_is_the_one_that_is_called() -> Nothing {
    let child = levi().spawn(
        |()| -> () {
            std::panic::set_hook(Box::new(|_| eprint!("its own words")));
            panic!("no words");
        },
        (),
    )?;
    assert_eq!(ended(child).0, "its own words");
    Ok(())
}

#[test]
fn a_forked_child_is_named_before_what_its_parents_hook_says() {
    alone(|()| {
        // Of whoever has forked it: not in its parent's words.
        let child = levi().fork(|| -> () { panic!("said here") }).unwrap();
        let (said, _) = ended(child);
        assert!(said.starts_with("\nprocess 'Levi' panicked at "), "{said}");

        std::panic::set_hook(Box::new(|_| eprint!("the parent's words")));
        let child = levi().fork(|| -> () { panic!("no words") }).unwrap();
        assert_eq!(ended(child).0, "the parent's words");
    });
}

/// Says of which module's next test a process is the program.
const FORKS: &str = "MULTIPROC_TESTS_PANICS";

/// Before `main`, and so before the harness has threads.
#[used]
#[unsafe(link_section = ".init_array")]
static PROGRAM: extern "C" fn() = program;

extern "C" fn program() {
    if !std::env::var(FORKS).is_ok_and(|module| module == module_path!()) {
        return;
    }
    let levi = levi().stderr(Stdio::Inherit);
    let child = levi.fork(|| -> () { panic!("on purpose") }).unwrap();
    assert!(matches!(child.join(), Err(ProcessError::Panicked { .. })));
    std::process::exit(0)
}

#[test]
fn a_program_forks_a_child_that_panics() -> Nothing {
    let program = std::env::current_exe()?;
    let ran = std::process::Command::new(program).env(FORKS, module_path!()).output()?;
    let said = String::from_utf8(ran.stderr)?;
    assert!(ran.status.success(), "{said}");
    let named = said.lines().position(|line| line == "in the process 'Levi':");
    let told = said.lines().position(|line| line.contains(&format!("panicked at {}:", file!())));
    assert!(named.is_some() && named < told, "{said}");
    Ok(())
}
