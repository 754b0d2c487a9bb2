//! What happened in one execution of a model, step by step, and how it is shown: a column for each
//! thread, a row for each step.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::fmt;
use std::panic::{self, AssertUnwindSafe, Location};
use std::sync::Once;

use comfy_table::{ContentArrangement, Table, presets};

use crate::futex::Wait;
use crate::robust::thread_named;

/// A variable of the model: where it was made, and which it is of those made in one execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    made: &'static Location<'static>,
    number: u32,
}

impl Label {
    /// For a variable that is made at `made`.
    pub(crate) fn next(made: &'static Location<'static>) -> Self {
        let number = MADE.get();
        MADE.set(number + 1);
        Label { made, number }
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "w{} ({})", self.number, short(self.made))
    }
}

/// What a thread did.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Access {
        var: Label,
        what: &'static str,
        before: u64,
        after: u64,
        seen: u64,
        at: &'static Location<'static>,
    },
    Waits {
        var: Label,
    },
    Returns {
        wait: Wait,
    },
    Wakes {
        n: u32,
    },
    Spawns(usize),
    Dies,
}

thread_local! {
    static EVENTS: RefCell<Vec<(usize, Action)>> = const { RefCell::new(Vec::new()) };
    static QUIET: Cell<bool> = const { Cell::new(false) };
    static ON: Cell<bool> = const { Cell::new(false) };
    static MADE: Cell<u32> = const { Cell::new(0) };
}

/// Whether steps are noted: only where somebody will look at them.
pub(crate) fn is_on() -> bool {
    ON.get()
}

pub(crate) fn switch(on: bool) {
    ON.set(on);
}

/// Begins a new execution.
pub(crate) fn clear() {
    EVENTS.with_borrow_mut(Vec::clear);
    MADE.set(0);
}

/// The thread did this.
pub(crate) fn note(thread: usize, action: Action) {
    if !is_on() {
        return;
    }
    EVENTS.with_borrow_mut(|events| events.push((thread, action)));
}

/// The last path component, and the line.
fn short(at: &Location<'_>) -> String {
    let file = at.file().rsplit('/').next().unwrap_or_default();
    format!("{file}:{}", at.line())
}

/// A value, with the thread that it names, if it does.
fn number(value: u64) -> String {
    match thread_named(value) {
        Some(thread) => match value >> 30 {
            0 => format!("thread {thread}"),
            flags => format!("thread {thread} and {:#x}", flags << 30),
        },
        None if value < 1000 => value.to_string(),
        None => format!("{value:#x}"),
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Action::Access { var, what, before, after, seen, at } => {
                write!(f, "{what} {var}: ")?;
                if before == after {
                    write!(f, "{}", number(seen))?;
                } else {
                    write!(f, "{} → {}", number(before), number(after))?;
                }
                write!(f, "\n  {}:{}", at.file(), at.line())
            }
            Action::Waits { var } => write!(f, "sleeps on {var}"),
            Action::Returns { wait } => f.write_str(match wait {
                Wait::Woken => "is woken",
                Wait::Changed => "wakes for no reason",
                Wait::Slice => "looks up: a slice of its wait is over",
                Wait::TimedOut => "its time is over",
            }),
            Action::Wakes { n } => write!(f, "wakes {n}"),
            Action::Spawns(thread) => write!(f, "spawns thread {thread}"),
            Action::Dies => f.write_str("IS KILLED; the kernel goes through its robust list"),
        }
    }
}

/// The table of the last execution; empty where steps were not noted.
pub(crate) fn table() -> String {
    EVENTS.with_borrow(|events| {
        let threads = events.iter().map(|&(thread, _)| thread + 1).max().unwrap_or(0);
        if events.is_empty() {
            return String::new();
        }
        let mut table = Table::new();
        table.load_preset(presets::UTF8_BORDERS_ONLY);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let names = (0..threads).map(|thread| match thread {
            0 => "the program's thread".to_owned(),
            thread => format!("thread {thread}"),
        });
        table.set_header(std::iter::once("step".to_owned()).chain(names));
        for (i, &(thread, action)) in events.iter().enumerate() {
            let mut row = vec![String::new(); threads + 1];
            row[0] = (i + 1).to_string();
            row[thread + 1] = action.to_string();
            table.add_row(row);
        }
        table.to_string()
    })
}

/// Runs `model` without the panic hook's noise: a failure is told otherwise.
pub(crate) fn quietly<R>(model: impl FnOnce() -> R) -> Result<R, Box<dyn Any + Send>> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        // shuttle puts a hook of its own before ours at its first run, which it has now instead.
        shuttle::check_dfs(|| (), Some(1));
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(model));
    QUIET.set(false);
    result
}

/// What a panic says.
pub(crate) fn text_of(panic: &(dyn Any + Send)) -> String {
    match (panic.downcast_ref::<&str>(), panic.downcast_ref::<String>()) {
        (Some(text), _) => (*text).to_owned(),
        (_, Some(text)) => text.clone(),
        _ => "a panic without a text".to_owned(),
    }
}
