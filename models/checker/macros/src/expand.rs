//! Items: which functions are gone through, and by which name.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{
    Attribute, Block, Error, FnArg, Ident, ImplItem, ImplItemFn, Item, ItemFn, ItemImpl, Signature,
    Type, parse_quote,
};

use crate::decisions::Decisions;
use crate::{forgets, text};

pub(crate) fn expand(arguments: TokenStream, item: TokenStream) -> Result<TokenStream, Error> {
    if !arguments.is_empty() {
        return Err(Error::new_spanned(arguments, "it takes no arguments"));
    }
    let mut item: Item = syn::parse2(item)?;
    match &mut item {
        Item::Impl(item) => expand_impl("", item)?,
        Item::Fn(ItemFn { attrs, sig, block, .. }) => expand_fn("", attrs, sig, block, &[])?,
        other => return Err(Error::new_spanned(other, "an `impl` or a function has decisions")),
    }
    Ok(item.into_token_stream())
}

pub(crate) fn expand_impl(within: &str, item: &mut ItemImpl) -> Result<(), Error> {
    let path = format!("{within}{}::", text::of_type(&item.self_ty));
    let slow = forgets::slow(item);
    for item in &mut item.items {
        if let ImplItem::Fn(ImplItemFn { attrs, sig, block, .. }) = item {
            expand_fn(&path, attrs, sig, block, &slow)?;
        }
    }
    Ok(())
}

/// A function, of this path without its name.
pub(crate) fn expand_fn(
    within: &str,
    attrs: &mut Vec<Attribute>,
    sig: &mut Signature,
    block: &mut Block,
    slow: &[Ident],
) -> Result<(), Error> {
    let forgets = forgets::take(attrs);
    if sig.constness.is_some() {
        return Ok(());
    }
    let is_ordering = |input: &FnArg| match input {
        FnArg::Typed(input) => is_named(&input.ty, "Ordering"),
        FnArg::Receiver(_) => false,
    };
    if sig.inputs.iter().any(is_ordering)
        && !attrs.iter().any(|it| it.path().is_ident("track_caller"))
    {
        attrs.push(parse_quote!(#[track_caller]));
    }
    let decisions = Decisions::new(format!("{within}{}", sig.ident), &sig.output);
    decisions.function(block)?;
    if let Some(at) = forgets {
        forgets::expand(at, sig, block, slow)?;
    }
    Ok(())
}

pub(crate) fn is_named(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.segments.last().is_some_and(|last| last.ident == name))
}

/// An item within a function.
pub(crate) fn expand_inner(path: &str, item: &mut Item) -> Result<(), Error> {
    let within = format!("{path}::");
    match item {
        Item::Impl(item) => expand_impl(&within, item),
        Item::Fn(ItemFn { attrs, sig, block, .. }) => expand_fn(&within, attrs, sig, block, &[]),
        _ => Ok(()),
    }
}

/// What the attribute writes has this span: its names are not the source's.
pub(crate) fn own() -> Span {
    Span::mixed_site()
}
