//! The attribute that finds the decisions of a protocol.

mod decisions;
mod expand;
mod forgets;
mod kinds;
#[cfg(test)]
mod tests;
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
/// | a call whose value is not used (but an operation of the machine, which is weakened itself, and `mem::forget`), `a += b` and its like | nothing |
/// | what a function gives that gives an `Option`, but `None` | `None` |
/// | `Err(…)`, where a function gives it that gives a `Result<(), _>` | `Ok(())` |
///
/// What is worked out at compile time stays as it is, and so do patterns, types and what macros are given
/// (but `matches!`). Operands are evaluated once and in their order; `&&` and `||` evaluate no more than
/// they did. Nothing is moved into a closure, so `?`, `return` and `break` mean what they meant.
///
/// A function that is given an `Ordering` passes it on in its caller's name (`#[track_caller]`): each of its
/// callers is a place of its own.
///
/// # What a thread forgets
///
/// A search tells two states apart by what each thread has seen, since that decides what it does next. At
/// the end of a function nothing of what was seen within decides anything any more but by what the function
/// gives; at the head of a loop, but by what has a name there. `#[cfg_attr(modelled, forgets)]` on a
/// function says so, of its end and of each of its loops: then the thread knows what it knew when the
/// function was called, and the values of these names.
///
/// That is so for every function that compiles with it:
///
/// * What it can change that its caller knows is kept as well: parameters that are `&mut`. `&mut self` and
///   closures that may change something (`FnOnce`, `FnMut`) are refused. Through `&` only shared objects
///   change, which are part of the state themselves.
/// * A name stands for all that follows from it: it is kept by its `Hash`, and one that has none does not
///   compile. Not kept are parameters that never change, which the caller knew, and closures that borrow
///   names, which are kept.
/// * A loop has no state but in names: `for`, whose iterator has none, is refused.
/// * Of a function that gives what has no `Hash`, `forgets(loops)` says it of its loops alone.
/// * A function with `forgets(loops, as_caller)` knows at the head of its loops what its caller knew when that
///   began, and its own parameters: for a slow path, which goes on with nothing else. Only functions of the same
///   `impl` that forget can call it, since others have nothing to give it; and what such a one does after the
///   call, it does with what follows from the parameters that it gave. (This alone is believed.)
/// * What gives up by `?`, or by a panic, forgets nothing.
#[proc_macro_attribute]
pub fn mutants(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand::expand(arguments.into(), item.into())
        .unwrap_or_else(syn::Error::into_compile_error)
        .into()
}
