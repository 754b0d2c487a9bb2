//! What the compiler refuses, and in which words. Each program here is a mistake that is made by who
//! comes from Python or from threads; the compiler must say what to do instead.
#![cfg(not(modelled))]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

#[test]
fn a_closure_that_captures_is_shown_with_what_it_captures() {
    const WORDS: &[&str] =
        &["`fn` types if they do not capture any variables", "`x` captured here"];
    for call in [
        "Process::spawn(CLOSURE, 3)",
        "Process::builder().spawn(CLOSURE, 3)",
        "Pool::new(1).unwrap().apply(CLOSURE, 3)",
        "Pool::new(1).unwrap().apply_async(CLOSURE, 3)",
        "Pool::new(1).unwrap().map(CLOSURE, [3])",
        "Pool::new(1).unwrap().map_async(CLOSURE, [3])",
    ] {
        refuses(
            &format!("let x = 5; let _ = {};", call.replace("CLOSURE", "|n: u32| n + x")),
            WORDS,
        );
    }
    // What has no size may be a proof that something is set up in this process.
    refuses("let x = (); let _ = Process::spawn(move |n: u32| (n, x), 3);", WORDS);
}

#[test]
fn a_function_of_two_parameters_is_shown_beside_that_of_a_tuple() {
    const WORDS: &[&str] =
        &["expected fn pointer `fn((", "found fn item `fn(i32, i32) -> i32 {add}`"];
    refuses("let _ = Process::spawn(add, (2, 3));", WORDS);
    refuses("let _ = Pool::new(1).unwrap().map(add, [(2, 3)]);", WORDS);
}

#[test]
fn what_cannot_be_shared_is_told_what_to_use_instead() {
    let refused = |value, name| {
        let message = format!("`{name}` cannot live in memory that processes share");
        refuses(&format!("let _ = Shared::new({value});"), &[&message, INSTEAD]);
    };
    const INSTEAD: &str = "instead of a `Vec` or a `String` use an array `[T; N]`, a `SharedArray`, \
                           or send the values by a `Queue` or a `pipe`; instead of a `bool` or an \
                           enum use a `u8`";
    refused("vec![1_u8]", "Vec<u8>");
    refused("Lock::new(vec![1_u8])", "Vec<u8>");
    refused("true", "bool");
    refused("(1, [String::new()])", "String");
    refused("std::sync::Arc::new(1_u8)", "Arc<u8>");
    refuses(
        "struct Own { n: u8 } let _ = Shared::new(Own { n: 1 });",
        &["`Own` cannot live in memory", "`#[derive(multiproc::ProcessSafe)]` above a struct"],
    );
    refuses("#[derive(ProcessSafe)] struct Own { name: String }", &["`String` cannot", INSTEAD]);
}

#[test]
fn what_cannot_derive_that_it_is_shared_is_told_what_to_do() {
    let refused = |declared: &str, words: &[&str]| {
        refuses(&format!("#[derive(ProcessSafe)] {declared}"), words);
    };
    refused(
        "enum Own { A, B(u8) }",
        &["cannot be derived for an enum", "Keep a number in its place", "by `TryFrom`"],
    );
    refused(
        "union Own { n: u32, x: f32 }",
        &["cannot be derived for a union", "Keep a number in its place", "from_bits"],
    );
    refused(
        "struct Own<'a> { n: &'a u32 }",
        &["cannot be derived for a struct with a lifetime", "its index in a `SharedArray`"],
    );
    refused("#[repr(C, packed(4))] struct Own { n: u64 }", &["for a packed struct", "`repr(C)`"]);
    refused("#[repr(r#packed)] struct Own { a: u8, n: u64 }", &["for a packed struct"]);
    refused("struct Own(u8, bool);", &["`bool` cannot live in memory", "use a `u8`"]);
    refused("struct Own { n: &'static u32 }", &["`&'static u32` cannot live in memory"]);
    refused("#[process_safe(name = x)] struct Own;", &["the one thing to say here is `crate ="]);
    refused("#[process_safe(crate = nowhere)] struct Own;", &["`nowhere`"]);
    // Of its parameters, it is known only where it is used.
    refused(
        "struct Own<T>(Lock<T>); let _ = Shared::new(Own(Lock::new(String::new())));",
        &["`String` cannot live in memory", "required for `Own<String>`"],
    );
    // What looks right, and is refused where it would be shared.
    refused(
        "struct Own(u8); impl Drop for Own { fn drop(&mut self) {} } let _ = Shared::new(Own(1));",
        &["evaluation panicked"],
    );
    refused(
        "struct Own(u8); impl Drop for Own { fn drop(&mut self) {} } let _ = Shared::<Own>::open(\"a\");",
        &["evaluation panicked"],
    );
    refused(
        "struct Own(Event); let _ = Shared::new(Lock::new((Own(Event::new()), Lock::new(1))));",
        &["a lock inside a lock could be moved"],
    );
}

#[test]
fn what_a_wait_cannot_give_up_is_told_what_to_use_instead() {
    refuses(
        "let lock = multiproc::RLock::new(std::cell::RefCell::new(1)); \
         let _ = multiproc::Condition::new().wait(lock.lock().unwrap());",
        &["cannot live in memory", "required for `RLockGuard", "to implement `ConditionGuard`"],
    );
    refuses(
        "let lock = std::sync::Mutex::new(1); \
         let _ = multiproc::Condition::new().wait(lock.lock().unwrap());",
        &["cannot wait at a condition", "wait with the guard of a `Lock`"],
    );
}

#[test]
fn an_attribute_that_makes_another_type_of_a_field_is_refused() {
    let boxed = "extern crate proc_macro;\n\
                 #[proc_macro_attribute]\n\
                 pub fn boxed(_: proc_macro::TokenStream, item: proc_macro::TokenStream)\n\
                 -> proc_macro::TokenStream {\n\
                 item.to_string().replace(\"u32\", \"Box<u32>\").parse().unwrap() }\n\
                 #[proc_macro_attribute]\n\
                 pub fn packed(_: proc_macro::TokenStream, item: proc_macro::TokenStream)\n\
                 -> proc_macro::TokenStream {\n\
                 format!(\"#[repr(packed)] {item}\").parse().unwrap() }";
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("boxed-{}", unique()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("boxed.rs"), boxed).unwrap();
    let output = rustc(&folder).arg("--crate-type=proc-macro").arg("boxed.rs").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let library = folder.join("libboxed.so");
    refuses_with(
        "#[derive(ProcessSafe)] #[boxed::packed] struct Holder { first: u8, value: u64 }",
        &[("boxed", &library)],
        &["reference to field of packed struct is unaligned"],
    );
    // A reference to what is in the box would do as one to the field.
    refuses_with(
        "#[derive(ProcessSafe)] #[boxed::boxed] struct Holder { value: u32 }",
        &[("boxed", &library)],
        &["expected `*mut u32`, found `*mut Box<u32>`"],
    );
    fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn what_belongs_to_one_thread_does_not_go_to_another() {
    refuses(
        "let one = std::rc::Rc::new(1); let _ = Thread::spawn(move || *one);",
        &["`Rc<i32>` cannot be sent between threads safely"],
    );
}

#[test]
fn what_is_right_is_not_refused() {
    for body in [
        "let _ = Process::spawn(|(a, b)| add(a, b), (2, 3)); let _ = Shared::new([1_u8; 3]);",
        "#[derive(ProcessSafe)] #[repr(C, align(64))] struct Own { n: u8 }",
        "#[derive(ProcessSafe)] struct Own; let _ = Shared::new(Own);",
        "#[derive(ProcessSafe)] struct Own<const part: usize>([u8; part]);",
        "#[derive(ProcessSafe)] struct Own<bool>(Lock<bool>);",
        "use multiproc as mp; #[derive(mp::ProcessSafe)] #[process_safe(crate = mp)] struct Own(u8);",
        "#[forbid(unsafe_code)] mod own { #[derive(multiproc::ProcessSafe)] struct Own(u8); }",
        "#[derive(ProcessSafe)] struct Own<T>(Lock<T>) where T: Copy; Shared::new(Own(Lock::new(1)));",
    ] {
        assert_eq!(compile(body, &[]), Ok(()), "{body}");
    }
}

/// The compiler must not take `body`, and must say all of `words`.
#[track_caller]
fn refuses(body: &str, words: &[&str]) {
    refuses_with(body, &[], words);
}

/// As [`refuses`], with these libraries beside this crate.
#[track_caller]
fn refuses_with(body: &str, libraries: &[(&str, &Path)], words: &[&str]) {
    let Err(said) = compile(body, libraries) else { panic!("this compiles: {body}") };
    for word in words {
        assert!(said.contains(word), "{word:?} is not said of\n{body}\nbut:\n{said}");
    }
}

/// Compiles a program that does `body`, as far as code for it.
fn compile(body: &str, beside: &[(&str, &Path)]) -> Result<(), String> {
    let source = format!(
        "#![allow(unused)]\n\
         use multiproc::{{Event, Lock, Pool, Process, ProcessSafe, Shared, Thread}};\n\
         fn add(a: i32, b: i32) -> i32 {{ a + b }}\n\
         fn main() {{ {body} }}\n"
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("refused-{}", unique()));
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("program.rs"), source).unwrap();
    let libraries = libraries();
    let multiproc = newest(&libraries);
    let mut rustc = rustc(&folder);
    rustc.arg("--emit=obj").arg("-L").arg(format!("dependency={}", libraries.display()));
    for (name, path) in beside.iter().chain([&("multiproc", &*multiproc)]) {
        rustc.arg("--extern").arg(format!("{name}={}", path.display()));
    }
    let output = rustc.arg("program.rs").output().expect("rustc runs");
    fs::remove_dir_all(&folder).unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
}

fn rustc(folder: &Path) -> Command {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let mut command = Command::new(rustc);
    command.args(["--edition=2024", "--diagnostic-width=1000"]).current_dir(folder);
    command
}

fn unique() -> String {
    format!("{}-{:?}", std::process::id(), std::thread::current().id())
}

/// Where cargo has put this test and the libraries that it is linked with.
fn libraries() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    test.parent().expect("it is in a folder").to_owned()
}

/// This crate, as it was compiled last.
fn newest(libraries: &Path) -> PathBuf {
    let is_ours = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.starts_with("libmultiproc-") && name.ends_with(".rlib")
    };
    let files = fs::read_dir(libraries).unwrap().map(|entry| entry.unwrap().path());
    let modified = |path: &PathBuf| fs::metadata(path).unwrap().modified().unwrap();
    files.filter(is_ours).max_by_key(modified).expect("cargo has compiled the crate")
}
