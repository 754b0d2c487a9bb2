//! What every scenario says, faster than in the notebook. Where only sleeps make an order that a
//! verdict judges, they stay long beside the delays of a busy machine.
//!
//! Pids, times and counts are not the same twice; what is printed in any order is sorted. All
//! else is as it was when somebody last looked at it: `cargo insta review`.
#![cfg(not(loom))]

#[allow(dead_code, reason = "each test program uses its part")]
mod support;

use support::transcript;

/// Plays a scenario and compares what it says; lines that hold one of `any_order` are sorted
/// among themselves, and stay together where they are.
fn check(name: &str, speed: u32, any_order: &[&str]) {
    let transcript = transcript(&[name, &format!("--speed={speed}")]);
    let free = |line: &&str| any_order.iter().any(|part| line.contains(part));
    let mut sorted = transcript.lines().filter(free).collect::<Vec<_>>();
    sorted.sort_unstable();
    let mut sorted = sorted.into_iter();
    let ordered =
        transcript.lines().map(|line| if free(&line) { sorted.next() } else { Some(line) });
    let ordered = ordered.flatten().collect::<Vec<_>>().join("\n");

    let filters = [
        (r"pid \d+", "pid [pid]"),
        (r"\d\d:\d\d:\d\d", "[time]"),
        (r"looked \d+ times while \d+", "looked [count] times while [count]"),
    ];
    insta::with_settings!({ filters => filters, prepend_module_to_snapshot => false, omit_expression => true }, {
        insta::assert_snapshot!(name, ordered);
    });
}

macro_rules! transcripts {
    ($($name:ident at $speed:literal $(in any order $($part:literal),+)?;)*) => { $(
        #[test]
        fn $name() {
            check(stringify!($name), $speed, &[$($($part),+)?]);
        }
    )* };
}

transcripts! {
    fork at 2;
    wait at 20;
    process at 20;
    process_class at 20;
    pool_apply at 4 in any order "hello";
    pool_map at 20;
    pipe at 20;
    queue at 20;
    shared_array at 20;
    semaphore at 4 in any order "I have a permit", "I give it back";
    thread at 20 in any order "waits", "is done";
    thread_attributes at 20;
    event at 20;
    lock at 20;
    thread_class at 20;
    zombie at 20;
}
