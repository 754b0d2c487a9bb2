//! The attribute on a type with every kind of decision: nothing is different while no mutant is on, and
//! something is with each mutant.

use std::sync::atomic::Ordering;

use multiproc_checker::mutants;

const LOW: u32 = 0b111;
const FLAG: u32 = 0b1000;

/// The same source as it is, and with its decisions found.
macro_rules! toy {
    ($name:ident $(#[$attribute:meta])?) => {
        mod $name {
            use super::{FLAG, LOW};

            pub(super) struct Toy {
                seen: Vec<u32>,
            }

            $(#[$attribute])?
            impl Toy {
                /// All that it comes to from these two.
                pub(super) fn run(a: u32, b: u32) -> Vec<u32> {
                    let mut toy = Toy { seen: Vec::new() };
                    let ended = toy.all(a, b).is_some();
                    toy.note(ended.into());
                    toy.seen
                }

                fn all(&mut self, a: u32, b: u32) -> Option<()> {
                    self.note(self.masks(a, b));
                    self.note(Self::loops(a % 8, b));
                    self.note(self.gives(a, b).unwrap_or(77));
                    self.note(self.refuses(a, b).is_err().into());
                    self.note(u32::from(self.is_odd(a) && (b > 3 || !self.is_odd(b))));
                    self.note([a, b].iter().filter(|&&it| it != 5).count() as u32);
                    let _ = self.counted();
                    // Each operand once, and from left to right.
                    let ordered = self.counted() << 1 | self.counted() << 6;
                    self.note(ordered);
                    if let Some(short) = a.checked_sub(b)
                        && short < 9
                        && matches!(short & 1, 1)
                    {
                        self.note(short);
                    }
                    self.note(self.gives(a, b)?);
                    self.note(1000);
                    Some(())
                }

                fn note(&mut self, value: u32) {
                    self.seen.push(value);
                }

                fn counted(&mut self) -> u32 {
                    self.seen.push(7);
                    self.seen.len() as u32
                }

                fn masks(&self, a: u32, b: u32) -> u32 {
                    let kept = a & FLAG | b & !LOW;
                    let more = (a & LOW).wrapping_add(1) ^ b >> 1;
                    match more {
                        0 if kept == 0 => 40,
                        0 | 1 => 41 + kept * 2,
                        _ => more << 5 | kept,
                    }
                }

                fn loops(a: u32, b: u32) -> u32 {
                    let mut sum = 0;
                    let mut rest = a;
                    while rest > 0 {
                        rest -= 1;
                        if rest == b {
                            continue;
                        }
                        sum += rest * 3;
                    }
                    loop {
                        if sum >= b {
                            return sum;
                        }
                        sum += 5;
                    }
                }

                fn gives(&self, a: u32, b: u32) -> Option<u32> {
                    if a == b {
                        return Some(3);
                    }
                    match b {
                        0 => None,
                        _ => a.checked_div(b),
                    }
                }

                fn refuses(&self, a: u32, b: u32) -> Result<(), u32> {
                    if a > b { Err(a) } else { Ok(()) }
                }

                fn is_odd(&self, a: u32) -> bool {
                    a & 1 != 0
                }
            }
        }
    };
}

toy!(plain);
toy!(found #[multiproc_checker::mutants]);

type Outcomes = Vec<std::thread::Result<Vec<u32>>>;

fn outcomes(run: fn(u32, u32) -> Vec<u32>) -> Outcomes {
    let inputs = (0..20).flat_map(|a| (0..20).map(move |b| (a, b)));
    // A mutant may overflow.
    inputs.map(|(a, b)| std::panic::catch_unwind(|| run(a, b))).collect()
}

fn same(one: &Outcomes, other: &Outcomes) -> bool {
    one.len() == other.len()
        && one.iter().zip(other).all(|pair| matches!(pair, (Ok(a), Ok(b)) if a == b))
}

#[test]
fn without_a_mutant_nothing_is_different() {
    assert!(same(&outcomes(plain::Toy::run), &outcomes(found::Toy::run)));
}

#[test]
fn with_each_mutant_something_is() {
    let (right, passed) = mutants::record(|| outcomes(found::Toy::run));
    assert!(passed.len() > 80, "only {} are found", passed.len());
    std::panic::set_hook(Box::new(|_| ()));
    let alive: Vec<_> = passed
        .iter()
        .filter(|mutant| mutants::with(&mutant.id(), || same(&right, &outcomes(found::Toy::run))))
        .map(ToString::to_string)
        .collect();
    let _ = std::panic::take_hook();
    assert_eq!(alive, Vec::<String>::new());
    assert!(same(&right, &outcomes(found::Toy::run)), "a mutant stays on");
}

#[test]
fn mutants_are_named_by_function_and_expression() {
    let (_, passed) = mutants::record(|| found::Toy::run(3, 1));
    let names: Vec<_> = passed.iter().map(ToString::to_string).collect();
    for name in [
        "Toy::masks: a & FLAG → a",
        "Toy::masks: a & FLAG | b & !LOW → b & !LOW",
        "Toy::loops: rest == b → negated",
        "Toy::loops: sum += rest * 3 → nothing",
        "Toy::all: let Some(short) = a.checked_sub(b) → no match",
        "Toy::refuses: Err(a) → Ok(())",
        "Toy::gives: a.checked_div(b) → None",
        "Toy::all: !self.is_odd(b) → true",
    ] {
        let known = if name.contains("!self") { "Toy::all: self.is_odd(b) → true" } else { name };
        assert!(names.iter().any(|it| it == known), "no {known} in {names:#?}");
    }
}

#[test]
fn an_operation_is_weakened_where_it_was_called() {
    #[track_caller]
    fn load(order: Ordering) -> Ordering {
        mutants::ordering("load", order)
    }
    let both = || [load(Ordering::Acquire), load(Ordering::Acquire)];
    let (_, passed) = mutants::record(both);
    let ids: Vec<_> = passed.iter().map(mutants::Mutant::id).collect();
    assert_eq!(ids.len(), 2, "{ids:?}");
    assert!(passed.iter().all(mutants::Mutant::is_ordering));
    assert_eq!(mutants::with(&ids[1], both), [Ordering::Acquire, Ordering::Relaxed]);
    assert_eq!(both(), [Ordering::Acquire; 2]);
    assert_eq!(mutants::record(|| mutants::ordering("load", Ordering::Relaxed)).1.len(), 0);
}
