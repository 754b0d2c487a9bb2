//! The whole: every model by every leg, every mutant of the source, and the tables of README.md.
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
use std::time::{Duration, Instant};
use std::{env, fs, thread};

use serde::de::DeserializeOwned;

use crate::ALL;
use crate::equivalent::EQUIVALENT;
use crate::explore::{Explored, Legs, is_whole, say};
use crate::harness::{Model, name_of};
use crate::mutants::{Killed, Killer, Mutant, SPARED, killer};
use crate::{programs, reductions};

#[test]
fn whole() {
    if !is_whole() {
        return say(
            "SKIPPED: the larger models by loom, and all mutants; MULTIPROC_MODELS=all runs them",
        );
    }
    let mut models: Vec<_> = ALL.iter().copied().flatten().collect();
    // The longest first, so that no core is left with one of them at the end.
    models.sort_by_key(|(_, model, _)| Reverse(model.min_explored));
    let start = Instant::now();
    let explored = side_by_side(&models, |(path, model, _)| {
        let explored = apart::<Vec<Explored>>(&format!("model {path}"), LONGEST);
        if let Some(explored) = &explored {
            say(&model.told(name_of(path), explored));
        }
        explored
    });
    let exploring = start.elapsed();
    // One that fails has said why, and the others have gone on.
    let failed = models.iter().zip(&explored).filter(|(_, explored)| explored.is_none());
    let failed: Vec<_> = failed.map(|((path, ..), _)| name_of(path)).collect();
    let explored: BTreeMap<_, _> = models
        .iter()
        .zip(&explored)
        .filter_map(|(model, one)| Some((model.0, one.as_ref()?)))
        .collect();
    let start = Instant::now();
    let mutants = mutants(&explored);
    let weakening = start.elapsed();
    let start = Instant::now();
    assert!(failed.is_empty(), "{failed:?} failed");
    let models = models.iter().map(|(path, ..)| format!("reductions {path}"));
    let parts: Vec<_> = [format!("programs {PROGRAMS}")].into_iter().chain(models).collect();
    let same = side_by_side(&parts, |part| {
        apart::<(usize, usize)>(part, LONGEST).expect("the verdicts and outcomes are equal")
    });
    let comparing = start.elapsed();
    let [(programs, _), verdicts @ ..] = &same[..] else { unreachable!("there are models") };
    let compared: usize = verdicts.iter().map(|(compared, _)| compared).sum();
    let large: usize = verdicts.iter().map(|(_, large)| large).sum();
    say(&format!(
        "{compared} verdicts of the search are the same without its reductions; {large} would have \
         more than {PLAIN} states. {programs} random programs come to the same outcomes"
    ));
    say(&format!(
        "models {:.0} s, mutants {:.0} s, comparisons {:.0} s",
        exploring.as_secs_f64(),
        weakening.as_secs_f64(),
        comparing.as_secs_f64()
    ));
    let text = tables(&explored, &mutants);
    say(&text);
    mutants.check();
    compare(&text, &mutants);
}

/// A large model that finds what no smaller one does.
const NEEDED: &str = "reused::marked";
/// All mutants, and nothing else: `MULTIPROC_MODELS=mutants`.
#[test]
fn all_mutants() {
    if env::var("MULTIPROC_MODELS").is_ok_and(|which| which == "mutants") {
        let mut models: Vec<_> = ALL.iter().copied().flatten().collect();
        let is_needed = |path| name_of(path) == NEEDED;
        models.retain(|(path, model, legs)| !model.is_large(*legs) || is_needed(path));
        let explored = side_by_side(&models, |(path, ..)| {
            apart::<Vec<Explored>>(&format!("search {path}"), LONGEST).expect("it holds")
        });
        say("the models hold");
        let explored = models.iter().zip(&explored).map(|((path, ..), one)| (*path, one)).collect();
        let found = mutants(&explored);
        say(&found.told());
        found.check();
    }
}

/// In a quick run only to the small model that found it the last time, and as many as there is time for.
#[test]
fn some_mutants() {
    if is_whole() {
        return;
    }
    const SMALL: usize = 3_000;
    const ENOUGH: Duration = Duration::from_secs(20);
    let end = Instant::now() + ENOUGH;
    let killed = Killed::read();
    let models: Vec<_> = ALL.iter().copied().flatten().collect();
    let small: Vec<_> = models.iter().filter(|(_, model, _)| model.min_explored <= SMALL).collect();
    let fallen = side_by_side(&small, |(path, model, legs)| {
        let mut passed = model.search(*legs).mutants;
        passed.retain(|mutant| {
            let by = killed.0.get(&mutant.name).and_then(Option::as_ref);
            by.is_some_and(|by| by.model == name_of(path))
        });
        let falls = |mutant: &&Mutant| {
            let in_time = Instant::now() < end;
            let falls = in_time && killer(path, model, *legs, mutant).is_some();
            assert!(falls || !in_time, "{} holds with {}", name_of(path), mutant.name);
            falls
        };
        passed.iter().filter(falls).count()
    });
    let (fallen, all) = (fallen.iter().sum::<usize>(), killed.0.values().flatten().count());
    say(&format!("{fallen} mutants fall; SKIPPED: {} others, in a quick run", all - fallen));
    assert!(fallen > 0, "nobody is known to find a mutant");
}

/// What was found of mutants, by name.
struct Found {
    mutants: BTreeMap<String, Mutant>,
    killed: Killed,
}

/// Looks for a model that finds each: first by the one that did the last time, and then by those that are
/// the smallest; only what nothing else finds of a place, by those that are large for the search. Of a place
/// that is found in one way, others are tried if they were found the last time, or `MULTIPROC_BLESS=all`.
fn mutants(explored: &BTreeMap<&str, &Vec<Explored>>) -> Found {
    let models: BTreeMap<&str, &(&str, Model, Legs)> =
        ALL.iter().copied().flatten().map(|model| (model.0, model)).collect();
    let mut names = BTreeMap::new();
    let mut passed_by: BTreeMap<&Mutant, BTreeSet<(usize, &str)>> = BTreeMap::new();
    for (path, explored) in explored {
        for mutant in explored.iter().flat_map(|one| &one.mutants) {
            let of_name = names.entry(&mutant.name).or_insert(mutant);
            assert_eq!(*of_name, mutant, "two places have one name");
            passed_by.entry(mutant).or_default().insert((models[path].1.min_explored, *path));
        }
    }
    let before = Killed::read();
    let last = |mutant: &Mutant| before.0.get(&mutant.name).and_then(Option::as_ref);
    let is_last =
        |mutant: &Mutant, path: &str| last(mutant).is_some_and(|last| last.model == name_of(path));
    let blessed = env::var("MULTIPROC_BLESS").ok();
    let tries_all = blessed.as_deref() == Some("all");
    let mut places: BTreeMap<&str, Vec<(&Mutant, Vec<&str>)>> = BTreeMap::new();
    for (mutant, paths) in passed_by {
        let mut paths: Vec<_> = paths.into_iter().map(|(_, path)| path).collect();
        paths.sort_by_key(|path| !is_last(mutant, path));
        places.entry(&mutant.decision).or_default().push((mutant, paths));
    }
    let places: Vec<_> = places
        .into_values()
        .map(|mut ways| {
            // To turn a condition round is found the soonest.
            ways.sort_by_key(|(mutant, _)| {
                (last(mutant).is_none(), !mutant.name.ends_with(" → negated"))
            });
            ways
        })
        .collect();
    let killed = side_by_side(&places, |ways| {
        let by = |mutant: &Mutant, path: &str| {
            let part = format!("mutant {path}\n{}\n{}", u8::from(mutant.is_ordering), mutant.id);
            // One that has no end is not found by that.
            apart::<Option<Killer>>(&part, SHORT).flatten()
        };
        let is_large = |path: &str| models[path].1.is_large(models[path].2);
        let mut killed = Vec::new();
        for (mutant, paths) in ways {
            let is_found = killed.iter().any(|(_, by): &(String, Option<Killer>)| by.is_some());
            if is_found && last(mutant).is_none() && !tries_all && !is_equivalent(mutant) {
                killed.push((mutant.name.clone(), None));
                continue;
            }
            let mut paths = paths.iter().filter(|path| !is_large(path) || is_last(mutant, path));
            killed.push((mutant.name.clone(), paths.find_map(|path| by(mutant, path))));
        }
        if killed.iter().all(|(_, by)| by.is_none()) {
            for ((mutant, paths), (_, killer)) in ways.iter().zip(&mut killed) {
                let mut paths = paths.iter().filter(|path| is_large(path));
                *killer = paths.find_map(|path| by(mutant, path));
            }
        }
        if killed.iter().all(|(_, by)| by.is_none()) {
            killed.iter().for_each(|(name, _)| say(&format!("nothing falls with `{name}`")));
        }
        killed
    });
    let all = places.iter().flatten().map(|(mutant, _)| (mutant.name.clone(), (*mutant).clone()));
    let mutants = all.collect();
    let killed = Killed(killed.into_iter().flatten().collect());
    if blessed.is_some() {
        fs::write(Killed::path(), killed.text()).unwrap();
    }
    Found { mutants, killed }
}

fn is_equivalent(mutant: &Mutant) -> bool {
    EQUIVALENT.iter().any(|(place, _)| mutant.place() == *place)
}

impl Found {
    fn told(&self) -> String {
        let decisions: BTreeSet<_> = self.mutants.values().map(|mutant| &mutant.decision).collect();
        let found = self.killed.0.values().flatten().count();
        let (mutants, places) = (self.mutants.len(), decisions.len());
        format!(
            "{mutants} mutants of {places} places: {found} are found. SKIPPED: those of {SPARED}"
        )
    }

    /// Every decision is found in one way at least and in each as before, but for what is argued not to matter.
    fn check(&self) {
        let mut ways: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (name, mutant) in &self.mutants {
            ways.entry(&mutant.decision).or_default().push(name);
        }
        let found = |name: &&str| self.killed.0.get(*name).is_some_and(Option::is_some);
        let survivors: Vec<_> = ways
            .values()
            .filter(|ways| !ways.iter().any(found))
            .flatten()
            .filter(|name| !is_equivalent(&self.mutants[**name]))
            .collect();
        assert!(survivors.is_empty(), "no model falls with {survivors:#?}");
        for (place, why) in EQUIVALENT {
            let there =
                |ways: &&Vec<&str>| ways.iter().any(|name| self.mutants[*name].place() == *place);
            let is_found = |ways: &Vec<&str>| ways.iter().any(found);
            let mut there = ways.values().filter(there).peekable();
            assert!(there.peek().is_some(), "`{place}` is not there any more ({why})");
            assert!(!there.all(is_found), "`{place}` is found: it is not so that {why}");
        }
        let before = Killed::read();
        let lost: Vec<_> = before
            .0
            .iter()
            .filter(|(name, by)| {
                by.is_some() && self.killed.0.get(*name).is_some_and(Option::is_none)
            })
            .map(|(name, _)| name)
            .collect();
        assert!(lost.is_empty(), "no model falls any more with {lost:#?}");
    }
}

/// The longest that a part may take, and one of many.
const LONGEST: Duration = Duration::from_secs(1_800);
const SHORT: Duration = Duration::from_secs(60);

/// Which part of the whole this process is to explore.
const PART: &str = "MULTIPROC_PART";
/// Of so many states at most a model is searched without reductions.
const PLAIN: usize = 3_000;
/// With every so-manieth of the mutants that it passes.
const EVERY: usize = 8;
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
        "search" => {
            let (_, model, legs) = models.find(|(path, ..)| *path == name).expect("a model");
            let explored = model.search(*legs);
            assert!(explored.failure.is_none(), "{:?}", explored.failure);
            postcard::to_stdvec(&vec![explored])
        }
        "model" => {
            let (path, model, legs) = models.find(|(path, ..)| *path == name).expect("a model");
            postcard::to_stdvec(&model.holds(name_of(path), *legs))
        }
        "reductions" => {
            let (path, model, legs) = models.find(|(path, ..)| *path == name).expect("a model");
            postcard::to_stdvec(&reductions::compare(path, model, *legs, PLAIN, EVERY))
        }
        "programs" => postcard::to_stdvec(&programs::compare_some(name.parse().unwrap())),
        _ => {
            let [name, is_ordering, id] = name.splitn(3, '\n').collect::<Vec<_>>()[..] else {
                panic!("a model and a mutant")
            };
            let (path, model, legs) = models.find(|(path, ..)| *path == name).expect("a model");
            let mutant = Mutant {
                id: id.to_owned(),
                name: String::new(),
                decision: String::new(),
                is_ordering: is_ordering == "1",
            };
            postcard::to_stdvec(&killer(path, model, *legs, &mutant))
        }
    };
    fs::write(env::var(FOUND).unwrap(), found.unwrap()).unwrap();
}

/// What that part finds; `None` when it fails, or has not ended in time.
fn apart<R: DeserializeOwned>(part: &str, longest: Duration) -> Option<R> {
    static PARTS: Mutex<usize> = Mutex::new(0);
    let number = {
        let mut parts = PARTS.lock().unwrap();
        *parts += 1;
        *parts
    };
    let name = format!("{}-{number}", process::id());
    let found = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let quiet = longest == SHORT;
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["whole::part", "--exact", "--nocapture"])
        .envs([(PART, part.as_ref()), (FOUND, found.as_os_str())])
        .stdout(Stdio::null())
        .stderr(if quiet { Stdio::null() } else { Stdio::inherit() })
        .spawn()
        .unwrap();
    let end = Instant::now() + longest;
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break Some(status);
        }
        if Instant::now() > end {
            child.kill().unwrap();
            child.wait().unwrap();
            break None;
        }
        thread::park_timeout(Duration::from_millis(2));
    };
    let bytes = fs::read(&found);
    // Where it failed there is none.
    let _ = fs::remove_file(&found);
    status.filter(|status| status.success()).map(|_| postcard::from_bytes(&bytes.unwrap()).unwrap())
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

fn tables(explored: &BTreeMap<&str, &Vec<Explored>>, mutants: &Found) -> String {
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
    let told = mutants.told();
    writeln!(text, "\n{} models; {sum} interleavings by loom.\n\n{told}", explored.len()).unwrap();
    text
}

/// The page, and the list of who finds each mutant, say what this run has found.
fn compare(text: &str, mutants: &Found) {
    const BEGIN: &str = "<!-- generated by the whole run -->\n";
    const END: &str = "<!-- end -->";
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/README.md");
    let page = fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("the page has a place for the tables");
    let (old, after) = rest.split_once(END).expect("the place has an end");
    let killed = mutants.killed.text();
    let is_listed = fs::read_to_string(Killed::path()).is_ok_and(|before| before == killed);
    if old == text && is_listed {
        return;
    }
    assert!(
        env::var_os("MULTIPROC_BLESS").is_some(),
        "{path}, or the list beside it, say otherwise; MULTIPROC_BLESS=1 writes them anew"
    );
    fs::write(path, [before, BEGIN, text, END, after].concat()).unwrap();
}
