//! Panics caught at the root of a process, a thread or a task, with the place they came from.
//!
//! What a panic carries is its message; only the panic hook is told the place. So a hook is put
//! before the one that is there: it notes the place in the panicking thread and goes on to the
//! other, whose output stays as it is. A program that replaces the hook later gets its panics
//! reported without a place.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::Once;

use serde::{Deserialize, Serialize};

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
