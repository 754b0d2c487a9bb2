//! What the `Deserialize` of a type reads, as far as it could be found out: see [`probe`].
//!
//! On the wire a struct is its fields and an enum the number of its variant, without names. So what
//! is written must be what is read, field for field; serde's derive does not see to that where
//! `Serialize` and `Deserialize` leave out different ones. The encoder asks here.
//!
//! [`probe`]: super::probe

use std::fmt;
use std::sync::OnceLock;

use crate::error::{CodecError, FieldMismatch};
use crate::ipc::codec::fault::{Fault, Result};

/// The structs and enums in a type.
#[derive(Debug, Default)]
pub(crate) struct Shapes {
    pub(super) structs: Vec<Struct>,
    pub(super) enums: Vec<Enum>,
    /// Once every struct was seen to be written as it is read. That is the same each time, but for
    /// tuples: how many fields they have may differ from value to value.
    settled: OnceLock<()>,
    /// Whether there may be more in the type, which the probe did not come to.
    partial: bool,
}

#[derive(Debug)]
pub(super) struct Struct {
    pub(super) name: &'static str,
    pub(super) fields: Fields,
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) name: &'static str,
    /// By the names that they are read by, of which one may have several. What is not known of one
    /// that has a name is `None`.
    pub(super) variants: Vec<(&'static str, Option<Variant>)>,
}

#[derive(Clone, Debug)]
pub(super) struct Variant {
    /// The number by which it is read.
    pub(super) index: u32,
    /// Unless reading it failed.
    pub(super) fields: Option<Fields>,
}

/// What is read of a struct or of a variant.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    form: Form,
    /// The names, further ones by which the same fields can be read (aliases) among them.
    names: &'static [&'static str],
    /// Once it was seen to be what is written.
    checked: OnceLock<()>,
    /// Another struct of that name has as many fields: which of them is written cannot be told.
    ambiguous: bool,
}

/// What there is of a struct or of a variant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    Unit,
    Newtype,
    Tuple(usize),
    Struct(usize),
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Form::Unit => f.write_str("nothing"),
            Form::Newtype => f.write_str("one value"),
            Form::Tuple(len) => write!(f, "a tuple of {len}"),
            Form::Struct(1) => f.write_str("one field"),
            Form::Struct(len) => write!(f, "{len} fields"),
        }
    }
}

impl Shapes {
    pub(super) const fn new(structs: Vec<Struct>, enums: Vec<Enum>) -> Self {
        Shapes { structs, enums, settled: OnceLock::new(), partial: false }
    }

    pub(super) fn into_partial(self) -> Self {
        Shapes { partial: true, ..self }
    }

    #[inline]
    pub(super) fn is_partial(&self) -> bool {
        self.partial
    }

    /// How to compare the fields of a struct with what is read of one of that name, if that is
    /// still to be done; an error if what is read is not of this form.
    #[inline]
    pub(super) fn structure(&self, name: &'static str, form: Form) -> Result<Option<Keys<'_>>> {
        if self.settled.get().is_some() && !matches!(form, Form::Tuple(_)) {
            return Ok(None);
        }
        let mut other = None;
        for known in &self.structs {
            if same(known.name, name) {
                if known.fields.form == form {
                    return Ok(known.fields.unchecked(self));
                }
                other = Some(&known.fields);
            }
        }
        // One that was not seen may be part of what the probe did not come to.
        other.map_or(Ok(None), |read| read.other_form(name, form).map(Some))
    }

    /// The number by which a variant is read, and the same for its fields.
    #[inline]
    pub(super) fn variant(
        &self,
        name: &'static str,
        index: u32,
        variant: &'static str,
        form: Form,
    ) -> Result<(u32, Option<Keys<'_>>)> {
        let mut moved = None;
        let mut other = None;
        let mut unread = None;
        for known in self.enums.iter().filter(|known| same(known.name, name)) {
            match known.variant(index, variant) {
                None => unread = Some(known),
                Some(None) => return Ok((index, None)),
                Some(Some(read)) => match &read.fields {
                    Some(fields) if fields.form != form => other = Some((read.index, fields)),
                    // Another enum of that name may have the variant elsewhere.
                    fields if read.index == index => {
                        return Ok((index, fields.as_ref().and_then(|one| one.unchecked(self))));
                    }
                    _ => moved = Some(read),
                },
            }
        }
        if let Some(Variant { index, fields }) = moved {
            return Ok((*index, fields.as_ref().and_then(|one| one.unchecked(self))));
        }
        match (other, unread) {
            (Some((index, read)), _) => {
                let place = format!("{name}::{variant}");
                Ok((index, Some(read.other_form(&place, form)?)))
            }
            (None, Some(known)) => {
                let names: Vec<_> = known.variants.iter().map(|(name, _)| *name).collect();
                let read = format!("one of {}", names.join(", "));
                Err(asymmetric(&format!("{name}::{variant}"), &format_args!("{variant}"), &read))
            }
            (None, None) => Ok((index, None)),
        }
    }
}

impl Enum {
    /// `None` if it is not read at all; `Some(None)` if that is not known.
    #[inline]
    fn variant(&self, index: u32, variant: &'static str) -> Option<Option<&Variant>> {
        let likely = self.variants.get(index as usize).filter(|(name, _)| same(name, variant));
        let found = likely.or_else(|| self.variants.iter().find(|(name, _)| same(name, variant)));
        found.map(|(_, variant)| variant.as_ref())
    }

    /// Of another enum of the same name, with a variant of the same name and as many fields, it
    /// cannot be told which is written: where the fields differ, their names are not compared.
    pub(super) fn compare(&mut self, other: &mut Enum) {
        let same_name = self.name == other.name;
        for (name, variant) in self.variants.iter_mut().filter(|_| same_name) {
            let twin = other.variants.iter_mut().find(|(other, _)| other == name);
            let fields = variant.as_mut().and_then(|one| one.fields.as_mut());
            let others = twin.and_then(|(_, twin)| twin.as_mut()?.fields.as_mut());
            if let (Some(fields), Some(others)) = (fields, others)
                && fields.form == others.form
                && fields.names != others.names
            {
                fields.forgo_names();
                others.forgo_names();
            }
        }
    }
}

impl Fields {
    pub(super) fn new(form: Form, names: &'static [&'static str]) -> Self {
        Fields { form, names, checked: OnceLock::new(), ambiguous: false }
    }

    pub(super) fn form(&self) -> Form {
        self.form
    }

    /// Whether they are these.
    pub(super) fn is(&self, form: Form, names: &[&str]) -> bool {
        self.form == form && self.names == names
    }

    /// The names are not compared.
    pub(super) fn forgo_names(&mut self) {
        self.ambiguous = true;
    }

    /// How to compare the names, if that is to be done, and was not done yet.
    #[inline]
    fn unchecked(&self, of: &Shapes) -> Option<Keys<'_>> {
        if self.checked.get().is_some() { None } else { self.first(of) }
    }

    #[cold]
    fn first(&self, of: &Shapes) -> Option<Keys<'_>> {
        match self.form {
            _ if self.ambiguous => None,
            Form::Struct(len) => Some(Keys { fields: self, at: 0, missing: len }),
            Form::Unit | Form::Newtype | Form::Tuple(_) => {
                self.check(of);
                None
            }
        }
    }

    fn check(&self, of: &Shapes) {
        let _ = self.checked.set(());
        if of.structs.iter().all(|one| one.fields.checked.get().is_some()) {
            let _ = of.settled.set(());
        }
    }

    /// What is written is not of the form that is read: that is an error, now or, if fields are
    /// missing, when it is known whether one was left out.
    #[cold]
    fn other_form(&self, name: &str, written: Form) -> Result<Keys<'_>> {
        match (written, self.form) {
            (Form::Struct(written), Form::Struct(read)) if written < read => {
                Ok(Keys { fields: self, at: 0, missing: read })
            }
            _ => Err(asymmetric(name, &written, &self.form)),
        }
    }
}

/// Compares the fields that are written with those that are read.
#[derive(Clone, Copy)]
pub(super) struct Keys<'s> {
    fields: &'s Fields,
    at: usize,
    missing: usize,
}

impl Keys<'_> {
    #[cold]
    pub(super) fn next(mut self, name: &str, key: &'static str) -> Result<Self> {
        let rest = self.fields.names.get(self.at..).unwrap_or_default();
        let Some(passed) = rest.iter().position(|name| same(name, key)) else {
            let read = format!("fields {}", self.fields.names.join(", "));
            return Err(asymmetric(name, &format_args!("a field {key} too"), &read));
        };
        self.at += passed + 1;
        self.missing = self.missing.saturating_sub(1);
        Ok(self)
    }

    #[cold]
    pub(super) fn end(self, name: &str, shapes: &Shapes) -> Result<()> {
        if let (missing @ 1.., Form::Struct(read)) = (self.missing, self.fields.form) {
            return Err(asymmetric(name, &Form::Struct(read - missing), &self.fields.form));
        }
        self.fields.check(shapes);
        Ok(())
    }
}

#[cold]
fn asymmetric(name: &str, written: &dyn fmt::Display, read: &dyn fmt::Display) -> Fault {
    let (written, read) = (written.to_string(), read.to_string());
    let mismatch = FieldMismatch { type_name: name.to_owned(), written, read };
    CodecError::Asymmetric(Box::new(mismatch)).into()
}

/// Names mostly are one and the same constant.
#[inline]
fn same(a: &'static str, b: &'static str) -> bool {
    std::ptr::eq(a, b) || a == b
}
