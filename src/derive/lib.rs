//! `#[derive(ProcessSafe)]`, which multiproc exports beside its trait of that name.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, GenericParam, Ident, Member, Path, Result, Type,
    parse_macro_input, parse_quote, token,
};

/// See `multiproc::ProcessSafe`, where its documentation and its examples are.
#[proc_macro_derive(ProcessSafe, attributes(process_safe))]
pub fn derive_process_safe(input: proc_macro::TokenStream) -> proc_macro::TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    implement(input).unwrap_or_else(|error| error.into_compile_error()).into()
}

fn implement(input: DeriveInput) -> Result<TokenStream> {
    let fields = fields(&input.data)?;
    no_lifetimes(&input)?;
    let multiproc = options(&input.attrs)?;
    let (members, names, types) = parts(fields);

    let name = &input.ident;
    // No name that a constant of the user may have.
    let part = Ident::new("__part", Span::mixed_site());
    let mut generics = input.generics.clone();
    let parameters: Vec<Ident> = generics.type_params().map(|param| param.ident.clone()).collect();
    let bounds = generics.make_where_clause();
    for parameter in parameters {
        bounds.predicates.push(parse_quote!(#parameter: 'static));
    }
    for each in &types {
        bounds.predicates.push(parse_quote!(#each: #multiproc::ProcessSafe));
    }
    let (with_parameters, arguments, bounds) = generics.split_for_impl();

    Ok(quote! {
        // SAFETY: each field is ProcessSafe (the bounds), its place is told, and it is settled. What
        // implements Drop itself is refused where it would be put into shared memory.
        #[automatically_derived]
        unsafe impl #with_parameters #multiproc::ProcessSafe for #name #arguments #bounds {
            const PINNED: ::core::primitive::bool = false #(|| <#types as #multiproc::ProcessSafe>::PINNED)*;
            const LAYOUT: #multiproc::Layout = #multiproc::Layout::of::<Self>()
                #(.part::<#types>(#names, ::core::mem::offset_of!(Self, #members)))*;

            unsafe fn settle(&mut self) {
                // These are all: an attribute may have made another struct of it.
                let Self { #(#members: _),* } = self;
                #(
                    // And of this type, which a reference might only lead to. The reference that is
                    // let go is what the compiler refuses for a field of a packed struct.
                    let _ = &self.#members;
                    let #part: *mut #types = &raw mut self.#members;
                    // SAFETY: the caller's promise for the whole holds for each part.
                    unsafe { <#types as #multiproc::ProcessSafe>::settle(&mut *#part) };
                )*
            }
        }
    })
}

/// Of a struct; of what else there is, why not and what to do.
fn fields(data: &Data) -> Result<&Fields> {
    match data {
        Data::Struct(data) => Ok(&data.fields),
        Data::Enum(data) => Err(refused(
            data.enum_token.span(),
            "an enum: another process could write a number that is none of its variants. Keep a number \
             in its place (a `u8`, say), and make the enum of it, by `TryFrom`, where it is read",
        )),
        Data::Union(data) => Err(refused(
            data.union_token.span(),
            "a union: which of its fields is there, nobody can check. Keep a number in its place, and \
             make the one field or the other of it where it is read (by `from_bits`, `from_ne_bytes`)",
        )),
    }
}

fn no_lifetimes(input: &DeriveInput) -> Result<()> {
    let is_lifetime = |param: &&GenericParam| matches!(param, GenericParam::Lifetime(_));
    match input.generics.params.iter().find(is_lifetime) {
        None => Ok(()),
        Some(lifetime) => Err(refused(
            lifetime.span(),
            "a struct with a lifetime: a reference leads nowhere in another process. Keep the value \
             itself in its place, or its index in a `SharedArray`",
        )),
    }
}

/// What multiproc is called here. Refuses a packed struct on the way.
fn options(attributes: &[Attribute]) -> Result<Path> {
    let mut multiproc: Path = parse_quote!(::multiproc);
    for attribute in attributes {
        if attribute.path().is_ident("process_safe") {
            attribute.parse_nested_meta(|meta| {
                if !meta.path.is_ident("crate") {
                    return Err(
                        meta.error("the one thing to say here is `crate = path::to::multiproc`")
                    );
                }
                multiproc = meta.value()?.call(Path::parse_mod_style)?;
                Ok(())
            })?;
        }
        if is_named(attribute.path(), "repr") {
            attribute.parse_nested_meta(|meta| {
                if is_named(&meta.path, "packed") {
                    return Err(refused(
                        meta.path.span(),
                        "a packed struct: its fields cannot be borrowed where they lie. Take `packed` \
                         away; with the largest fields first, `repr(C)` leaves no gaps between them",
                    ));
                }
                // The number of `align(8)`.
                if meta.input.peek(token::Paren) {
                    meta.input.parse::<proc_macro2::TokenTree>()?;
                }
                Ok(())
            })?;
        }
    }
    Ok(multiproc)
}

/// Also as `r#name`.
fn is_named(path: &Path, name: &str) -> bool {
    path.get_ident().is_some_and(|ident| ident.unraw() == name)
}

fn refused(place: Span, why: &str) -> Error {
    Error::new(place, format!("`ProcessSafe` cannot be derived for {why}"))
}

/// Of each field, how it is reached, its name as text, and its type.
fn parts(fields: &Fields) -> (Vec<Member>, Vec<String>, Vec<&Type>) {
    let members: Vec<Member> = fields.members().collect();
    let name = |member: &Member| match member {
        Member::Named(name) => name.unraw().to_string(),
        Member::Unnamed(index) => index.to_token_stream().to_string(),
    };
    let names = members.iter().map(name).collect();
    (members, names, fields.iter().map(|field| &field.ty).collect())
}
