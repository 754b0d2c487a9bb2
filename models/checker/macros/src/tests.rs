//! What the attribute makes of the source, as text: each place stands as its line, its column and its text
//! in angle brackets.

use std::str::FromStr;

use proc_macro2::TokenStream;

use crate::expand::expand;

fn expanded(source: &str) -> String {
    let source = TokenStream::from_str(source).unwrap();
    let text = match expand(TokenStream::new(), source) {
        Ok(tokens) => tokens.to_string(),
        Err(error) => return format!("error: {error}"),
    };
    let mut text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    for (long, short) in [(":: multiproc_checker :: mutants :: ", ""), (" ,", ","), (" (", "(")] {
        text = text.replace(long, short);
    }
    // `& Place { line : 1u32, column : 2u32, file : …, function : "f", text : "a" }`
    while let Some((before, rest)) = text.split_once("& Place {") {
        let (place, after) = rest.split_once('}').unwrap();
        let field = |name: &str| {
            let (_, value) = place.split_once(&format!("{name} : ")).unwrap();
            value.trim_start_matches('"').split(['"', 'u', ',']).next().unwrap()
        };
        let text_of = place.split_once("text : \"").unwrap().1.split('"').next().unwrap();
        let short =
            format!("<{}:{} {}: {}>", field("line"), field("column"), field("function"), text_of);
        text = format!("{before}{short}{after}");
    }
    text
}

/// The body of a function that becomes `expected`.
#[track_caller]
fn body(source: &str, expected: &str) {
    function(&format!("fn f() {{ {source} }}"), &format!("fn f() {{ {expected} }}"));
}

#[track_caller]
fn function(source: &str, expected: &str) {
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    let expanded = expanded(source);
    assert_eq!(squeeze(&expanded), squeeze(expected), "\n{expanded}\n");
}

#[test]
fn comparisons_are_decisions_wherever_they_stand() {
    body("let x = a < b;", "let x = holds(<1:18 f: a < b>, a < b);");
    body("g(a == b)", "g(holds(<1:12 f: a == b>, a == b))");
}

#[test]
fn conditions_are_decisions_down_to_what_is_no_logic() {
    body("if a {}", "if holds(<1:13 f: a>, a) {}");
    body("while !a {}", "while !holds(<1:17 f: a>, a) {}");
    body(
        "if a && (b || !c()) {}",
        "if holds(<1:13 f: a>, a) && (holds(<1:19 f: b>, b) || !holds(<1:25 f: c()>, c())) {}",
    );
    body(
        "match x { y if a => {} _ => {} }",
        "match x { y if holds(<1:25 f: a>, a) => {} _ => {} }",
    );
}

#[test]
fn places_of_one_text_are_counted_in_a_function() {
    body(
        "let x = a == b; let y = a == b;",
        "let x = holds(<1:18 f: a == b>, a == b); \
         let y = holds(<1:34 f: a == b (the 2. of that text)>, a == b);",
    );
}

#[test]
fn constants_are_no_decisions() {
    body("if DEBUG || true || crate::MODELLED {}", "if DEBUG || true || crate::MODELLED {}");
}

#[test]
fn a_let_is_a_decision_that_it_has_not_matched() {
    body("if let Some(a) = b {}", "if let Some(a) = b && matched(<1:27 f: let Some(a) = b>) {}");
    body(
        "while a && let Some(b) = c && d {}",
        "while holds(<1:16 f: a>, a) && let Some(b) = c && matched(<1:35 f: let Some(b) = c>) \
         && holds(<1:40 f: d>, d) {}",
    );
}

#[test]
fn what_a_function_gives_is_a_decision() {
    function(
        "fn f() -> bool { if a { return b; } c }",
        "fn f() -> bool { if holds(<1:21 f: a>, a) { return holds(<1:32 f: b>, b); } \
         holds(<1:37 f: c>, c) }",
    );
    function(
        "fn f() -> Option<u8> { match a { B => None, _ => g() } }",
        "fn f() -> Option<u8> { match a { B => None, _ => given(<1:50 f: g()>, g()) } }",
    );
    function(
        "fn f() -> Result<(), E> { Err(a) }",
        "fn f() -> Result<(), E> { failed(<1:27 f: Err(a)>, Err(a)) }",
    );
    function("fn f() -> Result<u8, E> { Err(a) }", "fn f() -> Result<u8, E> { Err(a) }");
}

#[test]
fn what_a_closure_gives_is_a_decision_where_it_is_asked() {
    body("x.any(|y| y.z())", "x.any(|y| holds(<1:20 f: y.z()>, y.z()))");
    body("x.map(|y| y.z())", "x.map(|y| y.z())");
    // What `return` in it gives is its own.
    function(
        "fn f() -> bool { g(|| return x) }",
        "fn f() -> bool { holds(<1:18 f: g(|| return x)>, g(|| return x)) }",
    );
}

#[test]
fn an_operand_is_left_out() {
    body(
        "let x = a & B;",
        "let x = match (a, B) { (a, b) => if becomes(<1:18 f: a & B>, \"a\") { a } else { a & b } };",
    );
    body(
        "let x = a | B;",
        "let x = match (a, B) { (a, b) => if becomes(<1:18 f: a | B>, \"a\") { a } \
         else if becomes(<1:18 f: a | B>, \"B\") { b } else { a | b } };",
    );
    body(
        "let x = a.wrapping_add(B);",
        "let x = match (a, B) { (a, b) => if becomes(<1:18 f: a.wrapping_add(B)>, \"a\") { a } \
         else { a.wrapping_add(b) } };",
    );
}

#[test]
fn a_statement_is_left_out() {
    body("self.g();", "if is_run(<1:10 f: self.g()>) { self.g(); }");
    body("let _ = g();", "if is_run(<1:18 f: g()>) { let _ = g(); }");
    body("g()?;", "if is_run(<1:10 f: g()?>) { g()?; }");
    body("a += b;", "if is_run(<1:10 f: a += b>) { a += b; }");
    body("a = b; let c = g(); log!(a == b);", "a = b; let c = g(); log!(a == b);");
}

#[test]
fn what_is_known_at_compile_time_stays() {
    body("[0; A + B]", "[0; A + B]");
    body("const { assert!(A < B) };", "const { assert!(A < B) };");
    body("const C: bool = A < B;", "const C: bool = A < B;");
    function("const fn f() -> bool { A < B }", "const fn f() -> bool { A < B }");
    body("match x { 0..=9 | 12 => {} _ => {} }", "match x { 0..=9 | 12 => {} _ => {} }");
}

#[test]
fn a_function_has_the_path_of_what_it_stands_in() {
    function(
        "impl<T> Deep<T> { fn f() { impl Drop for Inner<'_> { fn drop(&mut self) { g(); } } } }",
        "impl<T> Deep<T> { fn f() { impl Drop for Inner<'_> { fn drop(&mut self) { \
         if is_run(<1:75 Deep::f::Inner::drop: g()>) { g(); } } } } }",
    );
}

#[test]
fn an_ordering_is_passed_on_in_the_callers_name() {
    function("fn f(a: Ordering) {}", "#[track_caller] fn f(a: Ordering) {}");
    function("#[track_caller] fn f(a: &Ordering) {}", "#[track_caller] fn f(a: &Ordering) {}");
}

#[test]
fn what_forgets_keeps_what_has_a_name() {
    let mark = "let mark = ::multiproc_checker::thread::Mark::here();";
    let keeps = |line_column: &str, names: &[&str]| {
        let hashes: String = names
            .iter()
            .map(|name| format!("::core::hash::Hash::hash(&{name}, &mut known);"))
            .collect();
        format!(
            "{{ let mut known = ::multiproc_checker::thread::Known::at({line_column}); {hashes} \
             mark.keeps(known); }}"
        )
    };
    function(
        "#[cfg_attr(modelled, forgets)] fn f(&self, a: u32, mut b: u32) -> u32 { \
         let (mut c, d) = e; let g = || c; { let h = 0; } loop { return b; } }",
        &format!(
            "fn f(&self, a: u32, mut b: u32) -> u32 {{ {mark} let given: u32 = 'forgets: {{ \
             let (mut c, d) = e; let g = || c; {{ let h = 0; }} \
             loop {{ {} break 'forgets (b); }} }}; {} given }}",
            keeps("1u32, 121u32", &["b", "c", "d"]),
            keeps("1u32, 70u32", &["b", "given"]),
        ),
    );
}

#[test]
fn a_slow_path_forgets_as_its_caller() {
    let mark = "let mark = ::multiproc_checker::thread::Mark::here();";
    function(
        "impl A { #[forgets(loops, as_caller)] fn slow(&self, a: u32) { loop {} } \
         #[forgets] fn f(&self) { g(|| self.slow(1)) } fn slower(&self) { self.slow(1) } }",
        &format!(
            "impl A {{ fn slow(&self, a: u32, mark: &::multiproc_checker::thread::Mark) {{ loop {{ \
             {{ let mut known = ::multiproc_checker::thread::Known::at(1u32, 63u32); \
             ::core::hash::Hash::hash(&a, &mut known); mark.keeps(known); }} }} }} \
             fn f(&self) {{ {mark} let given: () = 'forgets: {{ g(|| self.slow(1, &mark)) }}; \
             {{ let mut known = ::multiproc_checker::thread::Known::at(1u32, 96u32); \
             ::core::hash::Hash::hash(&given, &mut known); mark.keeps(known); }} given }} \
             fn slower(&self) {{ self.slow(1) }} }}"
        ),
    );
}

#[test]
fn what_cannot_be_forgotten_is_refused() {
    for (source, why) in [
        ("fn f(&mut self) {}", "what it changes, its caller knows"),
        ("fn f(a: impl FnOnce()) {}", "what this changes, its caller knows: take an `impl Fn`"),
        (
            "fn f(a: Option<impl FnMut()>) {}",
            "what this changes, its caller knows: take an `impl Fn`",
        ),
        (
            "fn f() -> impl Iterator<Item = u8> { a }",
            "nobody knows whether that is all it has seen",
        ),
        ("fn f() { for a in b {} }", "where the iterator is has no name"),
    ] {
        let source = format!("#[cfg_attr(modelled, forgets)] {source}");
        assert_eq!(expanded(&source), format!("error: {why}"));
    }
    assert_eq!(expanded("struct A;"), "error: an `impl` or a function has decisions");
}
