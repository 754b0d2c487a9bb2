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
        &["`Own` cannot live in memory", "declare a struct of your own with `process_safe!`"],
    );
    refuses(
        "multiproc::process_safe! { struct Own { name: String } }",
        &["`String` cannot", INSTEAD],
    );
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
    let compiled = compile(
        "let _ = Process::spawn(|(a, b)| add(a, b), (2, 3)); let _ = Shared::new([1_u8; 3]);",
    );
    assert_eq!(compiled, Ok(()));
}

/// The compiler must not take `body`, and must say all of `words`.
#[track_caller]
fn refuses(body: &str, words: &[&str]) {
    let Err(said) = compile(body) else { panic!("this compiles: {body}") };
    for word in words {
        assert!(said.contains(word), "{word:?} is not said of\n{body}\nbut:\n{said}");
    }
}

/// Compiles a program that does `body`, as far as code for it.
fn compile(body: &str) -> Result<(), String> {
    let source = format!(
        "#![allow(unused)]\n\
         use multiproc::{{Lock, Pool, Process, Shared, Thread}};\n\
         fn add(a: i32, b: i32) -> i32 {{ a + b }}\n\
         fn main() {{ {body} }}\n"
    );
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("refused-{}", unique()));
    fs::create_dir_all(&folder).unwrap();
    let program = folder.join("program.rs");
    fs::write(&program, source).unwrap();
    let libraries = libraries();
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let output = Command::new(rustc)
        .args(["--edition=2024", "--emit=obj", "--diagnostic-width=1000"])
        .arg("--extern")
        .arg(format!("multiproc={}", newest(&libraries).display()))
        .arg("-L")
        .arg(format!("dependency={}", libraries.display()))
        .arg("--out-dir")
        .arg(&folder)
        .arg(&program)
        .output()
        .expect("rustc runs");
    fs::remove_dir_all(&folder).unwrap();
    match output.status.success() {
        true => Ok(()),
        false => Err(String::from_utf8_lossy(&output.stderr).into_owned()),
    }
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
