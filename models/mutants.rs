//! The mutants that the machine finds in what models pass (see `multiproc_checker::mutants`), by which model
//! each is found, and what is remembered of that.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use multiproc_checker::{Loads, Search, Weak, mutants};
use serde::{Deserialize, Serialize};

use crate::explore::Legs;
use crate::harness::{Model, name_of};

/// A place of the source, weakened in one way.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Mutant {
    /// What `mutants::with` takes.
    pub(crate) id: String,
    /// For a person, and for files: it stays when lines move.
    pub(crate) name: String,
    /// Of those that have one decision in common, one at least is to be found.
    pub(crate) decision: String,
    pub(crate) is_ordering: bool,
}

impl Mutant {
    /// Its function and its expression.
    pub(crate) fn place(&self) -> &str {
        self.name.rsplit_once(" → ").map_or(&self.name, |(place, _)| place)
    }
}

/// What is not weakened yet: no model shows which of the orderings of a pool's schedule matter.
/// (`pool::no_step_can_be_left_out` shows it of some steps.)
pub(crate) const SPARED: &str = "src/pool/";

/// Runs `explore`; also gives the mutants of the source that it passes.
pub(crate) fn record<R>(explore: impl FnOnce() -> R) -> (R, Vec<Mutant>) {
    let (result, passed) = mutants::record(explore);
    let mut sources = Sources::default();
    let of_source = passed
        .iter()
        .filter(|mutant| ["models/", SPARED].iter().all(|it| !mutant.place.file.starts_with(it)));
    // What is done before anyone else knows of it is the same for all.
    let is_settling = |mutant: &Mutant| mutant.name.contains("::settle: ");
    let all = of_source
        .map(|mutant| Mutant {
            id: mutant.id(),
            name: sources.name_of(mutant),
            decision: mutant.decision(),
            is_ordering: mutant.is_ordering(),
        })
        .filter(|mutant| !is_settling(mutant))
        .collect();
    (result, all)
}

/// The id of the mutant of this name, which `program` passes.
pub(crate) fn id_of(name: &str, program: impl Fn() + 'static) -> String {
    let (_, passed) = record(|| Search::default().run(program));
    let found = passed.into_iter().find(|mutant| mutant.name == name);
    found.unwrap_or_else(|| panic!("no mutant is `{name}`")).id
}

/// The source, for names.
#[derive(Default)]
struct Sources(BTreeMap<&'static str, String>);

impl Sources {
    /// An operation of the machine only knows where it was called: its function and its text are read there.
    fn name_of(&mut self, mutant: &mutants::Mutant) -> String {
        let place = mutant.place;
        if !place.function.is_empty() {
            return mutant.to_string();
        }
        let source = self.0.entry(place.file).or_insert_with(|| {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(place.file);
            fs::read_to_string(path).unwrap_or_default()
        });
        let lines: Vec<&str> = source.lines().collect();
        let (line, column) = (place.line as usize - 1, place.column as usize - 1);
        let (function, first) = function_of(&lines[..=line]);
        let mut called = call_at(&lines[line..], column);
        let times = 1 + calls_before(&lines[first..=line], column, &called);
        // What a function does with an ordering that it is given is its caller's.
        if !called.contains(place.text) {
            called += &format!(", its {}", place.text);
        }
        // As of decisions: those of one text are told apart by their order in the function.
        if times > 1 {
            called += &format!(" (the {times}. of that text)");
        }
        format!("{function}: {called} → {}", mutant.change)
    }
}

/// How often this is called in these lines, before this column of the last.
fn calls_before(lines: &[&str], column: usize, called: &str) -> usize {
    let name = called.split('(').next().unwrap();
    let last = lines.len() - 1;
    let starts = lines.iter().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//"));
    let starts = starts.flat_map(|(i, line)| line.match_indices(name).map(move |(at, _)| (i, at)));
    starts
        .filter(|&(i, at)| i < last || lines[i][..at].chars().count() < column)
        .filter(|&(i, at)| {
            let column = lines[i][..at].chars().count();
            !lines[i][..at].ends_with(|c: char| c.is_alphanumeric() || c == '_')
                && call_at(&lines[i..], column) == called
        })
        .count()
}

/// `name(…)`, in one line.
fn call_at(lines: &[&str], column: usize) -> String {
    let mut text = String::new();
    let mut depth = 0;
    let rest = lines[0]
        .chars()
        .skip(column)
        .chain(lines[1..].iter().flat_map(|line| " ".chars().chain(line.trim_start().chars())));
    for c in rest {
        text.push(c);
        match c {
            '(' => depth += 1,
            ')' if depth <= 1 => break,
            ')' => depth -= 1,
            _ => {}
        }
    }
    text.replace("( ", "(").replace(", )", ")")
}

/// The function that the last of these lines stands in: the first above it that begins further left than
/// what it has within, and so on; and the line in which the innermost begins.
fn function_of(lines: &[&str]) -> (String, usize) {
    let indent = |line: &str| line.len() - line.trim_start().len();
    let name_after = |line: &str, word: &str| {
        let (_, rest) = line.split_once(word)?;
        let name = rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()?;
        (!name.is_empty()).then(|| name.to_owned())
    };
    let mut left = usize::MAX;
    let mut path = Vec::new();
    let mut first = None;
    for (i, line) in lines.iter().enumerate().rev().filter(|(_, line)| !line.trim().is_empty()) {
        // The end of a signature that has several lines is no place of its own.
        if indent(line) >= left || line.trim_start().starts_with(')') {
            continue;
        }
        left = indent(line);
        let code = line.trim_start();
        if let Some(rest) = code.strip_prefix("impl") {
            // What is behind `for`, or behind the parameters.
            let of = code.split_once(" for ").map(|(_, of)| of);
            let generic = rest.strip_prefix('<').and_then(|code| code.split_once("> "));
            let of = of.or(generic.map(|(_, of)| of)).unwrap_or(rest);
            path.extend(name_after(&format!(" {}", of.trim_start()), " "));
        } else if code.contains("fn ") && !code.starts_with("//") {
            path.extend(name_after(code, "fn "));
            first.get_or_insert(i);
        }
    }
    path.reverse();
    (path.join("::"), first.unwrap_or(0))
}

/// By what a mutant was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Killer {
    pub(crate) model: String,
    pub(crate) leg: String,
}

/// Explores the model with the mutant, which is to be found by that: an ordering by loom, anything else by
/// the search, which is to end soon even if the mutant has no end.
pub(crate) fn killer(path: &str, model: &Model, legs: Legs, mutant: &Mutant) -> Option<Killer> {
    let found = |leg: String| Killer { model: name_of(path).to_owned(), leg };
    mutants::with(&mutant.id, || {
        if mutant.is_ordering {
            let by_loom = |&loads: &Loads| {
                Weak::with(loads).run(model.run).failure.map(|_| format!("loom, {loads} loads"))
            };
            return legs.loads.iter().find_map(by_loom).map(found);
        }
        let max_states = Some(3 * model.min_explored + 6_000);
        let search = Search { max_states, ..legs.searching() };
        search.run(model.run).failure.map(|_| found("search".to_owned()))
    })
}

/// Which model found each mutant when that was last asked: `models/killed_by.txt`.
pub(crate) struct Killed(pub(crate) BTreeMap<String, Option<Killer>>);

impl Killed {
    pub(crate) fn read() -> Self {
        let text = fs::read_to_string(Self::path()).unwrap_or_default();
        let read = |line: &str| {
            let (name, by) = line.rsplit_once(" | ")?;
            let killer = by
                .split_once(" by ")
                .map(|(model, leg)| Killer { model: model.to_owned(), leg: leg.to_owned() });
            Some((name.to_owned(), killer))
        };
        Killed(text.lines().filter_map(read).collect())
    }

    pub(crate) fn text(&self) -> String {
        let line = |(name, killer): (&String, &Option<Killer>)| match killer {
            Some(Killer { model, leg }) => format!("{name} | {model} by {leg}\n"),
            None => format!("{name} | -\n"),
        };
        self.0.iter().map(line).collect()
    }

    pub(crate) fn path() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("killed_by.txt")
    }
}

#[test]
fn names_are_read_from_the_source() {
    let source = "impl<T> Deep<T> {\n    fn f(&self) {\n        if a {\n            self.word\n                \
                  .load(\n                    Acquire,\n                );\n        }\n    }\n}\n";
    let lines: Vec<_> = source.lines().collect();
    assert_eq!(function_of(&lines[..=4]), ("Deep::f".to_owned(), 1));
    assert_eq!(call_at(&lines[4..], 17), "load(Acquire)");
    assert_eq!(calls_before(&["a.load(b); a.load(c); a.load(", "b); load(b)"], 4, "load(b)"), 2);
    assert_eq!(
        function_of(&["impl Drop for Permit<'_> {", "    fn drop() {", "        a();"]),
        ("Permit::drop".to_owned(), 1)
    );
}
