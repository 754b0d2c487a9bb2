//! Source as text, for people.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::Type;

/// The expression in one line, as rustfmt would have it.
pub(crate) fn of(tokens: &impl ToTokens) -> String {
    tidy(&tokens.to_token_stream())
}

/// The last name of a type's path.
pub(crate) fn of_type(ty: &Type) -> String {
    match ty {
        Type::Path(path) => {
            path.path.segments.last().map_or_else(String::new, |it| it.ident.to_string())
        }
        Type::Reference(reference) => of_type(&reference.elem),
        _ => of(ty),
    }
}

fn tidy(tokens: &TokenStream) -> String {
    let mut text = String::new();
    // By words: a token stream's own text has a space wherever there may be one.
    for word in tokens.to_string().split_whitespace() {
        let sticks = text.is_empty()
            || text.ends_with(['(', '[', '.', '!', '?', '&'])
                && !text.ends_with(" &")
                && !text.ends_with("&&")
            || text.ends_with("::")
            || word.starts_with([')', ']', ',', ';', '.', '?'])
            || word.starts_with("::")
            || (word.starts_with(['(', '['])
                && text
                    .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ')' || c == '>'))
            || (word == "!" && text.ends_with(char::is_alphanumeric));
        if !sticks {
            text.push(' ');
        }
        text.push_str(word);
    }
    text
}
