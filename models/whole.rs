//! The whole: every model by every leg, every site of the source weakened, and the tables of README.md.
//!
//! ```text
//! MULTIPROC_MODELS=all RUSTFLAGS="--cfg loom" cargo test --release --test models whole
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::panic::catch_unwind;
use std::sync::Mutex;
use std::thread;

use multiproc::model_support::{Loads, mutate};

use crate::ALL;
use crate::explore::{Explored, Legs, is_whole, say};
use crate::harness::{Model, name_of};

/// Sites that no model falls without, each with the reason why the source is as good without it.
const ARGUED: &[(&str, &str)] = &[];

#[test]
fn whole() {
    if !is_whole() {
        return say("SKIPPED: the larger models by loom, and the table of all mutants; \
            MULTIPROC_MODELS=all runs them");
    }
    let models: Vec<_> = ALL.iter().copied().flatten().collect();
    // One that fails has said why, and the others go on.
    let explored = side_by_side(&models, |(path, model, legs)| {
        catch_unwind(|| model.holds(name_of(path), *legs)).ok()
    });
    let failed: Vec<_> = models
        .iter()
        .zip(&explored)
        .filter(|(_, explored)| explored.is_none())
        .map(|((path, ..), _)| name_of(path))
        .collect();
    let explored: Vec<_> = explored.into_iter().flatten().collect();
    let kinds: BTreeMap<&str, bool> =
        explored.iter().flatten().flat_map(|one| one.sites.clone()).collect();
    let claims: BTreeSet<&str> =
        models.iter().flat_map(|(_, model, _)| model.twins).copied().collect();
    let claims: Vec<_> = claims.into_iter().collect();
    let mutants = side_by_side(&claims, |site| {
        let is_ordering = *kinds.get(site).unwrap_or_else(|| panic!("no model passes `{site}`"));
        Mutant::new(site, is_ordering, &models)
    });
    assert!(failed.is_empty(), "{failed:?} failed");
    let text = tables(&models, &explored, &mutants);
    say(&text);
    let survivors: Vec<_> = mutants
        .iter()
        .filter(|mutant| mutant.killed.is_none())
        .map(|mutant| mutant.site)
        .filter(|site| !ARGUED.iter().any(|(argued, _)| argued == site))
        .collect();
    assert!(survivors.is_empty(), "nothing fails without {survivors:?}");
    compare(&text);
}

/// A site, and who found it weakened.
struct Mutant {
    site: &'static str,
    is_ordering: bool,
    /// Model, leg, and after how many runs.
    killed: Option<(&'static str, String, usize)>,
}

impl Mutant {
    /// An ordering is loom's to find; anything else must be found by the search.
    fn new(site: &'static str, is_ordering: bool, models: &[&(&'static str, Model, Legs)]) -> Self {
        let killed = models.iter().filter(|(_, model, _)| model.twins.contains(&site)).find_map(
            |(path, model, legs)| {
                let fell = |explored: Explored| {
                    explored.failure.map(|_| (name_of(path), explored.leg, explored.runs))
                };
                if !is_ordering {
                    return fell(mutate(site, || model.search(*legs)));
                }
                let by_loom = |&loads: &Loads| fell(mutate(site, || model.weakly(loads)));
                legs.loads.iter().find_map(by_loom)
            },
        );
        let mutant = Mutant { site, is_ordering, killed };
        say(&mutant.line());
        mutant
    }

    fn line(&self) -> String {
        let kind = if self.is_ordering { "ordering" } else { "decision" };
        let by = match &self.killed {
            Some((model, leg, runs)) => format!("{model} ({leg}) | {runs}"),
            None => "nobody | -".to_owned(),
        };
        format!("| `{}` | {kind} | {by} |", self.site)
    }
}

/// Does it for all, as many at once as the machine has cores.
fn side_by_side<T: Sync, R: Send>(all: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = Mutex::new(0..all.len());
    let results = Mutex::new(BTreeMap::new());
    let workers = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let Some(i) = next.lock().unwrap().next() else { return };
                    let result = work(&all[i]);
                    results.lock().unwrap().insert(i, result);
                }
            });
        }
    });
    results.into_inner().unwrap().into_values().collect()
}

fn tables(
    models: &[&(&str, Model, Legs)],
    explored: &[Vec<Explored>],
    mutants: &[Mutant],
) -> String {
    let mut text = String::from(
        "| model | shows | states (executions) | loom, stale loads | loom, latest loads |\n\
         |---|---|---:|---:|---:|\n",
    );
    let mut sum = 0;
    for ((path, model, _), explored) in models.iter().zip(explored) {
        let of = |leg: &str| explored.iter().find(|one| one.leg.contains(leg));
        let search = of("search").map_or(String::from("-"), |one| {
            let deaths = match one.deaths {
                0 => String::new(),
                deaths => format!("; {deaths} deaths"),
            };
            format!("{} ({}{deaths})", one.states, one.runs)
        });
        let [stale, latest] = ["stale", "latest"].map(|loads| {
            of(loads).map_or(String::from("-"), |one| {
                sum += one.runs;
                one.runs.to_string()
            })
        });
        let name = name_of(path);
        writeln!(text, "| `{name}` | {} | {search} | {stale} | {latest} |", model.shows).unwrap();
    }
    writeln!(
        text,
        "\n{} models; {sum} interleavings by loom.\n\n{} sites, each weakened:\n",
        models.len(),
        mutants.len()
    )
    .unwrap();
    text += "| site | kind | found by | after |\n|---|---|---|---:|\n";
    for mutant in mutants {
        writeln!(text, "{}", mutant.line()).unwrap();
    }
    text
}

/// The page says what this run has found.
fn compare(text: &str) {
    const BEGIN: &str = "<!-- generated by the whole run -->\n";
    const END: &str = "<!-- end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/models/README.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the tables");
    let (old, after) = rest.split_once(END).expect("the place has an end");
    if old == text {
        return;
    }
    let blessed = std::env::var_os("MULTIPROC_BLESS").is_some();
    assert!(blessed, "{path} says otherwise; MULTIPROC_BLESS=1 has it written anew");
    fs::write(path, [before, BEGIN, text, END, after].concat()).unwrap();
}
