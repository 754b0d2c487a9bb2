//! The whole: every model by every leg, every site of the source weakened, and the tables of README.md.
//!
//! ```text
//! MULTIPROC_MODELS=all RUSTFLAGS="--cfg loom" cargo test --release --test models whole
//! ```

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::{self, Command, Stdio};
use std::sync::Mutex;
use std::{env, fs, thread};

use multiproc_checker::{Loads, mutants};
use serde::de::DeserializeOwned;

use crate::ALL;
use crate::explore::{Explored, is_whole, say};
use crate::harness::name_of;
use crate::{programs, reductions};

/// Sites that no model fails without, each with the reason why the source is as good without it.
const ARGUED: &[(&str, &str)] = &[];

#[test]
fn whole() {
    if !is_whole() {
        return say("SKIPPED: the larger models by loom, and the table of all mutants; \
            MULTIPROC_MODELS=all runs them");
    }
    let mut models: Vec<_> = ALL.iter().copied().flatten().collect();
    // The longest first, so that no core is left with one of them at the end.
    models.sort_by_key(|(_, model, _)| Reverse(model.min_explored));
    let explored = side_by_side(&models, |(path, model, _)| {
        let explored = apart::<Vec<Explored>>(&format!("model {path}"));
        if let Some(explored) = &explored {
            say(&model.told(name_of(path), explored));
        }
        explored
    });
    // One that fails has said why, and the others have gone on.
    let failed = models.iter().zip(&explored).filter(|(_, explored)| explored.is_none());
    let failed: Vec<_> = failed.map(|((path, ..), _)| name_of(path)).collect();
    let explored: BTreeMap<_, _> = models
        .iter()
        .zip(&explored)
        .filter_map(|(model, one)| Some((model.0, one.as_ref()?)))
        .collect();
    let kinds: BTreeMap<_, _> =
        explored.values().copied().flatten().flat_map(|one| &one.sites).collect();

    let claims: BTreeSet<&str> =
        models.iter().flat_map(|(_, model, _)| model.mutants).copied().collect();
    let claims: Vec<_> = claims.into_iter().collect();
    let mutants = side_by_side(&claims, |site| {
        let is_ordering =
            *kinds.get(&site.to_string()).unwrap_or_else(|| panic!("no model passes `{site}`"));
        let kind = if *is_ordering { "ordering" } else { "decision" };
        let killed = apart::<Option<Killed>>(&format!("{kind} {site}"));
        let mutant = Mutant { site, kind, killed: killed.expect("it explores to its end") };
        say(&mutant.line());
        mutant
    });
    assert!(failed.is_empty(), "{failed:?} failed");
    let models = models.iter().map(|(path, ..)| format!("reductions {path}"));
    let parts: Vec<_> = [format!("programs {PROGRAMS}")].into_iter().chain(models).collect();
    let same = side_by_side(&parts, |part| {
        apart::<(usize, usize)>(part).expect("the verdicts and outcomes are equal")
    });
    let [(programs, _), verdicts @ ..] = &same[..] else { unreachable!("there are models") };
    let compared: usize = verdicts.iter().map(|(compared, _)| compared).sum();
    let large: usize = verdicts.iter().map(|(_, large)| large).sum();
    say(&format!(
        "{compared} verdicts of the search are the same without its reductions; {large} would have \
         more than {PLAIN} states. {programs} random programs come to the same outcomes"
    ));
    let text = tables(&explored, &mutants);
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

/// Which part of the whole this process is to explore.
const PART: &str = "MULTIPROC_PART";
/// Of so many states at most a model is searched without reductions.
const PLAIN: usize = 3_000;
/// So many random programs.
const PROGRAMS: u32 = 3_000;
/// The file for what it finds.
const FOUND: &str = "MULTIPROC_FOUND";

/// One part of the whole, in a process of its own. Threads of one process would wait for one another:
/// loom maps stacks for each interleaving, and unmaps them.
#[test]
fn part() {
    let Ok(part) = env::var(PART) else { return };
    let (kind, name) = part.split_once(' ').expect("a kind and a name");
    let mut models = ALL.iter().copied().flatten();
    let found = match kind {
        "model" => {
            let (path, model, legs) = models.find(|(path, ..)| *path == name).expect("a model");
            postcard::to_stdvec(&model.holds(name_of(path), *legs))
        }
        "reductions" => {
            let (path, model, legs) = models.find(|(path, ..)| *path == name).expect("a model");
            postcard::to_stdvec(&reductions::compare(path, model, *legs, PLAIN))
        }
        "programs" => postcard::to_stdvec(&programs::compare_some(name.parse().unwrap())),
        _ => {
            let mut sites = models.flat_map(|(_, model, _)| model.mutants);
            let site = sites.find(|site| **site == name).expect("a site");
            postcard::to_stdvec(&killed(site, kind == "ordering"))
        }
    };
    fs::write(env::var(FOUND).unwrap(), found.unwrap()).unwrap();
}

/// What that part finds; `None` when it fails.
fn apart<R: DeserializeOwned>(part: &str) -> Option<R> {
    let name = format!("{}-{}", process::id(), part.replace([' ', ':'], "-"));
    let found = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let status = Command::new(env::current_exe().unwrap())
        .args(["whole::part", "--exact", "--nocapture"])
        .envs([(PART, part.as_ref()), (FOUND, found.as_os_str())])
        .stdout(Stdio::null())
        .status()
        .unwrap();
    let bytes = fs::read(&found);
    // Where it failed there is none.
    let _ = fs::remove_file(&found);
    status.success().then(|| postcard::from_bytes(&bytes.unwrap()).unwrap())
}

/// By which model and leg a site was found weakened, and after how many runs.
type Killed = (String, String, usize);

/// An ordering is loom's to find; anything else must be found by the search.
fn killed(site: &'static str, is_ordering: bool) -> Option<Killed> {
    let models = ALL.iter().copied().flatten();
    models.filter(|(_, model, _)| model.mutants.contains(&site)).find_map(|(path, model, legs)| {
        let by = |explored: Explored| {
            explored.failure.map(|_| (name_of(path).to_owned(), explored.leg, explored.runs))
        };
        if !is_ordering {
            return by(mutants::with(site, || model.search(*legs)));
        }
        let by_loom = |&loads: &Loads| by(mutants::with(site, || model.weakly(loads)));
        legs.loads.iter().find_map(by_loom)
    })
}

struct Mutant {
    site: &'static str,
    kind: &'static str,
    killed: Option<Killed>,
}

impl Mutant {
    fn line(&self) -> String {
        let by = match &self.killed {
            Some((model, leg, runs)) => format!("{model} ({leg}) | {runs}"),
            None => "nobody | -".to_owned(),
        };
        format!("| `{}` | {} | {by} |", self.site, self.kind)
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

fn tables(explored: &BTreeMap<&str, &Vec<Explored>>, mutants: &[Mutant]) -> String {
    let mut text = String::from(
        "| model | shows | states (executions) | loom, stale loads | loom, latest loads |\n\
         |---|---|---:|---:|---:|\n",
    );
    let mut sum = 0;
    for (path, model, _) in ALL.iter().copied().flatten() {
        let explored = explored[path];
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
        explored.len(),
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
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
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
