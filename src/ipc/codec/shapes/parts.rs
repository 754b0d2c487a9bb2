//! What is read of one value: its parts, with their names and places.

use std::sync::OnceLock;

use super::{Form, Kinds, Place, asymmetric, unseen};
use crate::ipc::codec::fault::Result;

/// What is read of a struct, a variant, a tuple, a list, a map, an option.
#[derive(Debug)]
pub(in crate::ipc::codec) struct Parts {
    /// Of what has a fixed number of parts, if it is known.
    pub(super) form: Option<Form>,
    /// What was asked for, of what was not read to its end.
    pub(super) asked: Option<Form>,
    /// The names of the fields, further ones by which the same can be read (aliases) among them.
    pub(super) names: Vec<&'static str>,
    pub(super) places: Vec<Place>,
    /// Of every part behind those.
    pub(super) rest: Place,
    /// How a value comes back changed that is written as it is: then none is sent.
    pub(super) changed: Option<Box<Changed>>,
    /// The names by which the fields are written, as they become known.
    pub(super) written: Vec<OnceLock<Field>>,
    /// Once they all are.
    pub(super) fields: OnceLock<Vec<Field>>,
}

/// How a made-up value came back that was read, and written again.
#[derive(Clone, Debug)]
pub(in crate::ipc::codec) struct Changed {
    pub(in crate::ipc::codec) written: String,
    pub(in crate::ipc::codec) read: String,
}

/// A field of a struct, as it was written before: it was seen then that it is the one that is read.
#[derive(Clone, Copy, Debug)]
pub(in crate::ipc::codec) struct Field {
    /// Its name, which is told by where it lies: that is cheaper than to compare.
    name: &'static str,
    /// So many of the names that are read are passed with it.
    pub(in crate::ipc::codec) passed: u32,
    pub(in crate::ipc::codec) place: Place,
}

impl Field {
    #[inline(always)]
    pub(in crate::ipc::codec) fn is(&self, key: &'static str) -> bool {
        std::ptr::eq(self.name.as_ptr(), key.as_ptr()) && self.name.len() == key.len()
    }
}

impl Parts {
    /// Of what nothing was seen: all that is in it has the place `rest`.
    pub(in crate::ipc::codec) const fn nothing(rest: Place) -> Self {
        Parts {
            form: None,
            asked: None,
            names: Vec::new(),
            places: Vec::new(),
            rest,
            changed: None,
            written: Vec::new(),
            fields: OnceLock::new(),
        }
    }

    /// The only place, or the key's.
    #[inline]
    pub(in crate::ipc::codec) fn first(&self) -> Place {
        self.places.first().copied().unwrap_or(self.rest)
    }

    /// The value's place, which has a key.
    #[inline]
    pub(in crate::ipc::codec) fn second(&self) -> Place {
        self.places.get(1).copied().unwrap_or(self.rest)
    }

    /// The place of a part of a tuple or of a struct; an error if it has not so many.
    #[inline(always)]
    pub(in crate::ipc::codec) fn part(&self, at: usize, name: &str) -> Result<Place> {
        self.places.get(at).map_or_else(|| self.behind(at, name), |place| Ok(*place))
    }

    #[cold]
    fn behind(&self, at: usize, name: &str) -> Result<Place> {
        match self.form {
            Some(read) => {
                Err(asymmetric(name, &format_args!("a tuple of {} or more", at + 1), &read))
            }
            None => Ok(self.rest),
        }
    }

    /// The fields as they were written before, if that is known: the next value has the same ones, mostly.
    #[inline]
    pub(in crate::ipc::codec) fn fields(&self) -> &[Field] {
        self.fields.get().map_or(&[], |fields| fields)
    }

    /// Notes how a field is written.
    #[cold]
    pub(in crate::ipc::codec) fn is_written(
        &self,
        at: usize,
        name: &'static str,
        passed: usize,
        place: Place,
    ) {
        if let (Some(written), Some(Form::Struct(_)), None) =
            (self.written.get(at), self.form, &self.changed)
        {
            let _ = written.set(Field { name, passed: passed as u32, place });
            if let Some(all) = self.written.iter().map(|one| one.get().copied()).collect() {
                let _ = self.fields.set(all);
            }
        }
    }

    #[inline]
    pub(super) fn compare(&self, written: Form, name: impl Fn() -> String) -> Result<()> {
        match self.form {
            Some(read) if read != written => match (written, read) {
                // If a field was left out, its name is still to be told.
                (Form::Struct(written), Form::Struct(read)) if written < read => Ok(()),
                _ => Err(asymmetric(&name(), &written, &read)),
            },
            None if self.asked.is_some() => self.compare_asked(written, name),
            _ => Ok(()),
        }
    }

    #[cold]
    fn compare_asked(&self, written: Form, name: impl Fn() -> String) -> Result<()> {
        match (written, self.asked) {
            (Form::Struct(_), Some(Form::Struct(_))) | (_, None) => Ok(()),
            (written, Some(asked)) if written == asked => Ok(()),
            (written, Some(asked)) => Err(asymmetric(&name(), &written, &asked)),
        }
    }

    /// Behind the name of the field that is written as `key`, if that is not behind `passed`: where
    /// its name is expected, as a place in the names.
    #[cold]
    pub(in crate::ipc::codec) fn pass(
        &self,
        passed: usize,
        key: &'static str,
        name: &str,
    ) -> Result<usize> {
        if self.form.is_none() && self.asked.is_none() {
            return Ok(passed);
        }
        let rest = self.names.get(passed..).unwrap_or_default();
        if let Some(further) = rest.iter().position(|name| *name == key) {
            if further > 0 && self.form.is_none() {
                // Another name of the same field, or a field that is not written.
                return Err(unseen(name, &format_args!("field {key} there"), self.is_settled()));
            }
            return Ok(passed + further + 1);
        }
        let read = format!("fields {}", self.names.join(", "));
        Err(asymmetric(name, &format_args!("a field {key} too"), &read))
    }

    /// An error if so many parts are not all that are read.
    #[inline]
    pub(in crate::ipc::codec) fn end(
        &self,
        written: usize,
        passed: usize,
        name: &str,
    ) -> Result<()> {
        match self.form {
            None if self.asked.is_some() => self.end_asked(written, passed, name),
            Some(read @ Form::Tuple(len)) if len != written => {
                Err(asymmetric(name, &Form::Tuple(written), &read))
            }
            Some(read @ Form::Struct(len)) if len != written => {
                Err(asymmetric(name, &Form::Struct(written), &read))
            }
            _ => self.unchanged(name),
        }
    }

    #[cold]
    fn end_asked(&self, written: usize, passed: usize, name: &str) -> Result<()> {
        match self.asked {
            Some(Form::Struct(_)) if passed < self.names.len() => {
                Err(unseen(name, &Form::Struct(written), self.is_settled()))
            }
            Some(asked @ Form::Tuple(len)) if len != written => {
                Err(asymmetric(name, &Form::Tuple(written), &asked))
            }
            _ => self.unchanged(name),
        }
    }

    pub(in crate::ipc::codec) fn new(
        (form, asked): (Option<Form>, Option<Form>),
        names: &[&'static str],
        places: Vec<Place>,
        rest: Place,
    ) -> Self {
        let written = names.iter().zip(&places).map(|_| OnceLock::new()).collect();
        Parts { form, asked, names: names.to_vec(), places, written, ..Parts::nothing(rest) }
    }

    /// From now on, no value is sent.
    pub(in crate::ipc::codec) fn refuse(&mut self, changed: Changed) {
        self.changed = Some(Box::new(changed));
    }

    /// An error if values come back changed.
    #[inline]
    fn unchanged(&self, name: &str) -> Result<()> {
        if self.changed.is_none() { Ok(()) } else { self.is_changed(name) }
    }

    #[cold]
    pub(super) fn is_changed(&self, name: &str) -> Result<()> {
        match &self.changed {
            Some(changed) => Err(asymmetric(name, &changed.written, &changed.read)),
            None => Ok(()),
        }
    }

    /// Whether what was not seen cannot be found out.
    fn is_settled(&self) -> bool {
        self.rest.kinds != Kinds::NONE
    }
}
