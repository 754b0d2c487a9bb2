//! The attribute that finds the decisions of a protocol.

mod decisions;
mod expand;
mod text;

use proc_macro::TokenStream;

/// Finds the decisions in the bodies of an `impl`, or of a function, so that a model can show that each
/// matters. For model builds alone: `#[cfg_attr(modelled, multiproc_checker::mutants)]`.
///
/// Nothing is different while no mutant is on (`multiproc_checker::mutants::with`). These are found, and
/// become:
///
/// | in the source | becomes |
/// |---|---|
/// | a condition: what stands in an `if`, a `while`, a guard, beside `&&` or `||`, behind `!`, what a function gives that gives a `bool`; any comparison; `matches!` | its contrary, `true`, `false` |
/// | `a & b`, `a + b`, `a - b`, `a << b`, `a >> b`, `a / b`, `a % b`, `a * b`, `a.wrapping_add(b)` and its like | `a` |
/// | `a \| b`, `a ^ b` | `a`, `b` |
/// | `if let`, `while let` | no match |
/// | a call whose value is not used, `a += b` and its like | nothing |
/// | what a function gives that gives an `Option`, but `None` | `None` |
/// | `Err(…)`, where a function gives it that gives a `Result<(), _>` | `Ok(())` |
///
/// What is worked out at compile time stays as it is, and so do patterns, types and what macros are given
/// (but `matches!`). Operands are evaluated once and in their order; `&&` and `||` evaluate no more than
/// they did. Nothing is moved into a closure, so `?`, `return` and `break` mean what they meant.
///
/// A function that is given an `Ordering` passes it on in its caller's name (`#[track_caller]`): each of its
/// callers is a place of its own.
#[proc_macro_attribute]
pub fn mutants(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
