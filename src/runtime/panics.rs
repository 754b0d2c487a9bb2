//! Panics caught at the root of a process, a thread or a task, with the place they came from.
//!
//! What a panic carries is its message; only the panic hook is told the place. So a hook is put
//! before the one that is there: it notes the place in the panicking thread and goes on to the
//! other, whose output stays as it is. A program that replaces the hook later gets its panics
//! reported without a place.
//!
//! What is said on the standard error names the process, if it is a child:
//!
//! * In a spawned one, which is no thread that std has named, this crate's own hook is in the place of
//!   std's, and says the same otherwise.
//! * In a forked one, the hook is its parent's, and may be the user's: a line with the name comes before it.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind};
use std::rc::Rc;
use std::sync::{Once, OnceLock};

use rustix::io::retry_on_intr;
use rustix::process::getpid;
use rustix::stdio::stderr;
use rustix::thread::gettid;
use serde::{Deserialize, Serialize};

use crate::sys::{ForkCell, fork_generation};

thread_local! {
    /// Where the innermost [`caught`] of this thread wants the place. It needs no drop: panics are
    /// caught in the drops of other thread-locals, too.
    static PLACE: Cell<Option<ManuallyDrop<Place>>> = const { Cell::new(None) };
}

type Place = Rc<RefCell<Option<String>>>;

/// A panic that was caught.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Panic {
    pub(crate) message: String,
    /// `file:line:column`
    pub(crate) location: Option<String>,
}

/// Runs `f`; what it panics with is an error.
///
/// The caller sees to it that nothing half changed is used after a panic: at the root of a process
/// or a thread, all that `f` had is gone with it.
pub(crate) fn caught<T>(f: impl FnOnce() -> T) -> Result<T, Panic> {
    note_places();
    let place = Place::default();
    let outer = PLACE.replace(Some(ManuallyDrop::new(place.clone())));
    let ran = catch_unwind(AssertUnwindSafe(f));
    drop(PLACE.replace(outer).map(ManuallyDrop::into_inner));
    ran.map_err(|payload| Panic { message: message_of(payload), location: place.take() })
}

fn message_of(payload: Box<dyn Any + Send>) -> String {
    let message = match payload.downcast::<String>() {
        Ok(message) => return *message,
        Err(payload) => match payload.downcast::<&'static str>() {
            Ok(message) => return (*message).to_owned(),
            Err(payload) => payload,
        },
    };
    // A payload of the user's own: its drop is user code and may panic again.
    std::mem::forget(message);
    "a panic with a payload that is no text".to_owned()
}

/// What the running process is called, if it is a child, and the generation of whoever is called so.
static NAME: ForkCell<(u64, String)> = ForkCell::new();

/// Whether this crate's hook tells of panics, in place of std's.
static TELLS: OnceLock<()> = OnceLock::new();

/// From here on, what is told of a panic of the running process names it so.
pub(crate) fn name_process(name: &str) {
    NAME.change(|named| *named = (fork_generation(), name.to_owned()));
}

fn process_name() -> Option<String> {
    let is_ours = |(of, _): &&(u64, String)| *of == fork_generation();
    NAME.read(|named| Some(named).filter(is_ours).map(|(_, name)| name.clone()))
}

/// Has panics told of by this crate, in a fresh process, whose main thread std does not know.
pub(crate) fn tell_panics_of_process() {
    if !std::thread::panicking() && TELLS.set(()).is_ok() {
        std::panic::set_hook(Box::new(tell));
    }
}

/// As std's hook, but for who it was.
fn tell(info: &PanicHookInfo<'_>) {
    let thread = std::thread::current();
    let thread = thread.name().unwrap_or("<unnamed>");
    let who = match process_name() {
        Some(process) if gettid() == getpid() => format!("process '{process}'"),
        Some(process) => format!("thread '{thread}' of the process '{process}'"),
        None => format!("thread '{thread}'"),
    };
    let place = info.location().map_or_else(String::new, |place| format!(" at {place}"));
    let payload = info.payload();
    let message = payload.downcast_ref::<String>().map(String::as_str);
    let message = message.or_else(|| payload.downcast_ref::<&'static str>().copied());
    let message = message.unwrap_or("a payload that is no text");
    // As std: also where nothing was said, or something else, for errors that hold one.
    let backtrace = match std::env::var_os("RUST_BACKTRACE") {
        Some(asked) if asked != "0" => format!("stack backtrace:\n{}", Backtrace::force_capture()),
        _ => "note: run with `RUST_BACKTRACE=1` environment variable to display a backtrace".into(),
    };
    write(&format!("\n{who} panicked{place}:\n{message}\n{backtrace}"));
}

/// Writes a text to the standard error as one piece, whether or not anybody hears it.
fn write(text: &str) {
    let text = format!("{text}\n");
    // Past std's lock, which may be held by a thread that waits for this one.
    let mut left = text.as_bytes();
    while let Ok(written) = retry_on_intr(|| rustix::io::write(stderr(), left))
        && (1..left.len()).contains(&written)
    {
        left = &left[written..];
    }
}

fn note_places() {
    static ONCE: Once = Once::new();
    // std refuses to change the hook in a thread that is panicking: the next caller does it.
    if std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let previous = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let place = info.location().map(ToString::to_string);
            if let Some(slot) = PLACE.take() {
                slot.replace(place);
                PLACE.set(Some(slot));
            }
            if TELLS.get().is_none()
                && let Some(process) = process_name()
            {
                write(&format!("in the process '{process}':"));
            }
            previous(info);
        }));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_comes_with_its_message_and_place() {
        let line = line!() + 1;
        let panic = caught(|| panic!("no {}", "good")).unwrap_err();
        assert_eq!(panic.message, "no good");
        let place = format!("{}:{line}:", file!());
        assert!(panic.location.as_ref().unwrap().starts_with(&place), "{panic:?}");
        assert_eq!(caught(|| std::panic::panic_any(7)).map_err(|p| p.message).unwrap_err(), {
            "a panic with a payload that is no text"
        });
        assert_eq!(
            caught(|| panic!("static")).map_err(|p| p.message),
            Err::<(), _>("static".into())
        );
    }
}
