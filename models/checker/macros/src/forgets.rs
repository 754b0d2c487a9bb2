//! Functions whose end, and loops whose head, a thread comes to with nothing else in mind than what it
//! still has a name for.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Error, Expr, ExprClosure, ExprForLoop, ExprLoop, ExprMethodCall, ExprReturn,
    ExprWhile, FnArg, Ident, ImplItem, ImplItemFn, Item, ItemImpl, Local, Pat, ReturnType,
    Signature, Stmt, Type, parse_quote,
};

use crate::expand::own;

/// Where a function forgets.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Where {
    EndAndLoops,
    Loops,
    /// At loops, where the thread knows what it knew when its caller began, which forgets as well.
    LoopsAsCaller,
}

/// Takes `#[cfg_attr(…, forgets)]` away, if it is there, or `forgets(…)`.
pub(crate) fn take(attrs: &mut Vec<Attribute>) -> Option<Where> {
    let of = |attr: &Attribute| {
        let tokens = match attr.path() {
            path if path.is_ident("forgets") => attr.meta.to_token_stream(),
            path if path.is_ident("cfg_attr") => attr.meta.require_list().ok()?.tokens.clone(),
            _ => return None,
        };
        match tokens.to_string().replace(' ', "") {
            text if text.ends_with("forgets") => Some(Where::EndAndLoops),
            text if text.ends_with("forgets(loops)") => Some(Where::Loops),
            text if text.ends_with("forgets(loops,as_caller)") => Some(Where::LoopsAsCaller),
            _ => None,
        }
    };
    let found = attrs.iter().find_map(of);
    attrs.retain(|attr| of(attr).is_none());
    found
}

/// The names of those functions that forget as their caller.
pub(crate) fn slow(item: &ItemImpl) -> Vec<Ident> {
    let names = item.items.iter().filter_map(|item| match item {
        ImplItem::Fn(ImplItemFn { attrs, sig, .. }) => {
            (take(&mut attrs.clone()) == Some(Where::LoopsAsCaller)).then(|| sig.ident.clone())
        }
        _ => None,
    });
    names.collect()
}

/// Has the function forget; `slow` are those that forget as their caller.
pub(crate) fn expand(
    at: Where,
    sig: &mut Signature,
    block: &mut Block,
    slow: &[Ident],
) -> Result<(), Error> {
    let as_caller = at == Where::LoopsAsCaller;
    let mut parameters = Vec::new();
    for input in &sig.inputs {
        match input {
            FnArg::Receiver(receiver) if receiver.mutability.is_some() => {
                return Err(Error::new_spanned(receiver, "what it changes, its caller knows"));
            }
            FnArg::Receiver(_) => {}
            FnArg::Typed(input) => {
                if let Some(closure) = changing_closure(&input.ty) {
                    return Err(Error::new(
                        closure,
                        "what this changes, its caller knows: take an `impl Fn`",
                    ));
                }
                let is_mut = matches!(&*input.ty, Type::Reference(to) if to.mutability.is_some());
                // Those that never change the caller knows: not as it began.
                collect(&input.pat, is_mut || as_caller, &mut parameters);
            }
        }
    }
    if let ReturnType::Type(_, ty) = &sig.output
        && matches!(**ty, Type::ImplTrait(_))
    {
        return Err(Error::new_spanned(ty, "nobody knows whether that is all it has seen"));
    }
    let mark = Ident::new("mark", own());
    let mut loops = Loops { mark: mark.clone(), known: parameters.clone(), error: None };
    loops.visit_block_mut(block);
    if let Some(error) = loops.error {
        return Err(error);
    }
    if as_caller {
        sig.inputs.push(parse_quote!(#mark: &::multiproc_checker::thread::Mark));
        return Ok(());
    }
    Slow { names: slow, mark: &mark }.visit_block_mut(block);
    if at == Where::Loops {
        block.stmts.insert(
            0,
            parse_quote! {
                let #mark = ::multiproc_checker::thread::Mark::here();
            },
        );
        return Ok(());
    }
    Returns.visit_block_mut(block);
    let output = match &sig.output {
        ReturnType::Default => quote!(()),
        ReturnType::Type(_, ty) => quote!(#ty),
    };
    let given = Ident::new("given", own());
    let kept = keeps(&mark, parameters.iter().chain([&given]), block.span());
    let label = label();
    *block = parse_quote!({
        let #mark = ::multiproc_checker::thread::Mark::here();
        let #given: #output = #label: #block;
        #kept
        #given
    });
    Ok(())
}

fn label() -> syn::Lifetime {
    syn::Lifetime::new("'forgets", own())
}

/// A statement by which the thread knows, of all since the mark, only these.
fn keeps<'a>(mark: &Ident, names: impl Iterator<Item = &'a Ident>, at: Span) -> TokenStream {
    let known = Ident::new("known", own());
    let hashes = names.map(|name| {
        let at = name.span();
        quote_spanned!(at=> ::core::hash::Hash::hash(&#name, &mut #known);)
    });
    let (line, column) = (at.start().line as u32, at.start().column as u32);
    quote! {{
        let mut #known = ::multiproc_checker::thread::Known::at(#line, #column);
        #(#hashes)*
        #mark.keeps(#known);
    }}
}

/// Of a parameter's type, what may change something that the caller knows.
fn changing_closure(ty: &Type) -> Option<Span> {
    struct Find(Option<Span>);
    impl VisitMut for Find {
        fn visit_ident_mut(&mut self, ident: &mut Ident) {
            if ident == "FnOnce" || ident == "FnMut" {
                self.0 = Some(ident.span());
            }
        }
    }
    let mut find = Find(None);
    find.visit_type_mut(&mut ty.clone());
    find.0
}

/// The names that a pattern binds: of a parameter only those that change, as `all` has it.
fn collect(pat: &Pat, all: bool, names: &mut Vec<Ident>) {
    struct Names<'a>(&'a mut Vec<Ident>, bool);
    impl VisitMut for Names<'_> {
        fn visit_pat_ident_mut(&mut self, pat: &mut syn::PatIdent) {
            // One that looks like a constant is one.
            let is_constant = pat.ident.to_string().chars().all(|c| !c.is_lowercase());
            if (self.1 || pat.mutability.is_some()) && !is_constant {
                self.0.retain(|name| *name != pat.ident);
                self.0.push(pat.ident.clone());
            }
            visit_mut::visit_pat_ident_mut(self, pat);
        }
    }
    Names(names, all).visit_pat_mut(&mut pat.clone());
}

/// At each loop's head the thread keeps what has a name there.
struct Loops {
    mark: Ident,
    known: Vec<Ident>,
    error: Option<Error>,
}

impl Loops {
    fn head(&mut self, body: &mut Block, at: Span) {
        let kept = keeps(&self.mark, self.known.iter(), at);
        self.visit_block_mut(body);
        body.stmts.insert(0, parse_quote!(#kept));
    }

    /// Goes through it, after which what it binds has no name any more.
    fn within<R>(&mut self, go: impl FnOnce(&mut Self) -> R) -> R {
        let known = self.known.clone();
        let result = go(self);
        self.known = known;
        result
    }
}

impl VisitMut for Loops {
    fn visit_block_mut(&mut self, block: &mut Block) {
        self.within(|loops| visit_mut::visit_block_mut(loops, block));
    }

    fn visit_local_mut(&mut self, local: &mut Local) {
        visit_mut::visit_local_mut(self, local);
        // A closure has what it borrows, which has a name itself.
        let borrows = matches!(&local.init, Some(init)
            if matches!(&*init.expr, Expr::Closure(closure) if closure.capture.is_none()));
        if !borrows {
            collect(&local.pat, true, &mut self.known);
        }
    }

    fn visit_arm_mut(&mut self, arm: &mut syn::Arm) {
        self.within(|loops| {
            collect(&arm.pat, true, &mut loops.known);
            visit_mut::visit_arm_mut(loops, arm);
        });
    }

    fn visit_expr_if_mut(&mut self, branches: &mut syn::ExprIf) {
        self.within(|loops| visit_mut::visit_expr_if_mut(loops, branches));
    }

    fn visit_expr_let_mut(&mut self, expr: &mut syn::ExprLet) {
        visit_mut::visit_expr_let_mut(self, expr);
        collect(&expr.pat, true, &mut self.known);
    }

    fn visit_expr_loop_mut(&mut self, expr: &mut ExprLoop) {
        let at = expr.loop_token.span;
        self.within(|loops| loops.head(&mut expr.body, at));
    }

    fn visit_expr_while_mut(&mut self, expr: &mut ExprWhile) {
        let at = expr.while_token.span;
        self.within(|loops| {
            loops.visit_expr_mut(&mut expr.cond);
            loops.head(&mut expr.body, at);
        });
    }

    fn visit_expr_for_loop_mut(&mut self, expr: &mut ExprForLoop) {
        self.error = Some(Error::new_spanned(expr.for_token, "where the iterator is has no name"));
    }

    // Its loops end before it does, and it is called from wherever.
    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Gives those that forget as their caller what that knew as it began.
struct Slow<'a> {
    names: &'a [Ident],
    mark: &'a Ident,
}

impl VisitMut for Slow<'_> {
    fn visit_expr_method_call_mut(&mut self, call: &mut ExprMethodCall) {
        visit_mut::visit_expr_method_call_mut(self, call);
        if self.names.contains(&call.method) {
            let mark = self.mark;
            call.args.push(parse_quote!(&#mark));
        }
    }

    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// `return` comes to the end of the function; what `?` gives up with does not, and is not forgotten.
struct Returns;

impl VisitMut for Returns {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        visit_mut::visit_expr_mut(self, expr);
        if let Expr::Return(ExprReturn { expr: given, .. }) = expr {
            let label = label();
            // In parentheses, since a path may begin with what makes a label of a lifetime.
            let given = given.take().map(|given| quote!((#given)));
            *expr = parse_quote!(break #label #given);
        }
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}

    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        if !matches!(stmt, Stmt::Item(_)) {
            visit_mut::visit_stmt_mut(self, stmt);
        }
    }
}
