//! What a child's environment has that its parent's has not.

use std::collections::BTreeMap;
use std::ffi::{CString, OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Serialize};

use crate::error::Error;

/// Changes to the parent's environment, as it is when the child is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Environment {
    /// Nothing of the parent's is there.
    is_cleared: bool,
    /// What is set, and (as `None`) what is removed.
    changes: BTreeMap<OsString, Option<OsString>>,
}

impl Environment {
    pub(super) fn set(&mut self, name: OsString, value: OsString) {
        self.changes.insert(name, Some(value));
    }

    pub(super) fn remove(&mut self, name: OsString) {
        self.changes.insert(name, None);
    }

    pub(super) fn clear(&mut self) {
        self.is_cleared = true;
        self.changes.clear();
    }

    /// Whether every change can be made.
    pub(super) fn check(&self) -> Result<(), Error> {
        let is_name = |name: &OsStr| {
            !name.is_empty() && !name.as_bytes().iter().any(|byte| matches!(byte, b'=' | 0))
        };
        let is_value = |value: &OsString| !value.as_bytes().contains(&0);
        let wrong = self
            .changes
            .iter()
            .find(|(name, value)| !is_name(name) || !value.as_ref().is_none_or(is_value));
        match wrong {
            Some((name, _)) => Err(Error::InvalidVariable { name: name.clone() }),
            None => Ok(()),
        }
    }

    /// The whole environment of the child, as exec takes it.
    pub(super) fn for_exec(&self) -> Vec<CString> {
        let inherited = std::env::vars_os()
            .filter(|(name, _)| !self.is_cleared && !self.changes.contains_key(name));
        let set =
            self.changes.iter().filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
        inherited
            .chain(set)
            .filter_map(|(mut entry, value)| {
                entry.push("=");
                entry.push(value);
                CString::new(entry.into_vec()).ok()
            })
            .collect()
    }

    /// Makes the changes in the running process, which was forked and has its parent's environment.
    ///
    /// # Safety
    ///
    /// No other thread of this process reads the environment or changes it.
    pub(super) unsafe fn apply(&self) {
        let inherited = if self.is_cleared { std::env::vars_os().collect() } else { Vec::new() };
        for (name, _) in inherited {
            // SAFETY: the caller's promise. It is a name that the environment has.
            unsafe { std::env::remove_var(name) }
        }
        for (name, value) in &self.changes {
            match value {
                // SAFETY: the caller's promise; `check` has passed both.
                Some(value) => unsafe { std::env::set_var(name, value) },
                // SAFETY: as above.
                None => unsafe { std::env::remove_var(name) },
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_a_variable_is_refused_by_its_name() {
        for (name, value) in [("", "x"), ("a=b", "x"), ("a\0", "x"), ("a", "x\0y")] {
            let mut environment = Environment::default();
            environment.set("FINE".into(), "=".into());
            environment.set(name.into(), value.into());
            let error = environment.check().expect_err("it cannot be set");
            assert!(matches!(&error, Error::InvalidVariable { name: told } if told == name));
        }
        let mut environment = Environment::default();
        environment.remove("a=b".into());
        assert!(environment.check().is_err());
        environment.clear();
        assert!(environment.check().is_ok(), "what was said before is cleared, too");
    }

    #[test]
    fn the_later_change_counts() {
        let mut environment = Environment::default();
        environment.set("GONE".into(), "1".into());
        environment.clear();
        environment.set("A".into(), "1".into());
        environment.set("B".into(), "2".into());
        environment.remove("A".into());
        assert_eq!(environment.for_exec(), [c"B=2".to_owned()]);
    }
}
