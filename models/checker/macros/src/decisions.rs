//! Expressions: which are decisions, and what becomes of them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    BinOp, Block, Error, Expr, ExprBinary, ExprClosure, ExprLet, ExprMethodCall, ExprRepeat, Item,
    Local, Pat, ReturnType, Stmt, Type, UnOp, parse_quote, parse_quote_spanned,
};

use crate::expand::{expand_inner, own};
use crate::kinds::{
    ASKING, Gives, has_let, is_assignment, is_call, is_comparison, is_constant, is_err, is_logic,
    is_matches, is_none, is_operator, is_operator_method, take_chain,
};
use crate::text;

/// Goes through the body of a function.
pub(crate) struct Decisions {
    path: String,
    /// What a `return` gives.
    gives: Gives,
    /// Where the decision begins that is gone through, with all that it comes from.
    decision: Option<(u32, u32)>,
    /// How often there has been this text.
    times: RefCell<BTreeMap<String, u32>>,
    error: Option<Error>,
}

/// Line and column, each from 1.
fn start_of(at: Span) -> (u32, u32) {
    let start = at.start();
    (start.line as u32, start.column as u32 + 1)
}

impl Decisions {
    pub(crate) fn new(path: String, output: &ReturnType) -> Self {
        let (decision, times, error) = Default::default();
        Decisions { path, gives: Gives::of(output), decision, times, error }
    }

    pub(crate) fn function(mut self, body: &mut Block) -> Result<(), Error> {
        self.tail_of_block(body, self.gives);
        self.error.map_or(Ok(()), Err)
    }

    /// An item within a function.
    fn inner(&mut self, item: &mut Item) {
        if let Err(error) = expand_inner(&self.path, item) {
            self.error = Some(error);
        }
    }

    /// A reference to the place of an expression.
    fn place(&self, at: Span, text: &str) -> TokenStream {
        let (line, column) = start_of(at);
        let (from_line, from_column) = self.decision.unwrap_or((line, column));
        let path = &self.path;
        // Places of one text are told apart by their order in the function.
        let text = match self.times.borrow_mut().entry(text.to_owned()).or_default() {
            times @ 0 => {
                *times = 1;
                text.to_owned()
            }
            times => {
                *times += 1;
                format!("{text} (the {times}. of that text)")
            }
        };
        quote! {
            &::multiproc_checker::mutants::Place {
                line: #line,
                column: #column,
                file: ::core::file!(),
                function: #path,
                text: #text,
                decision: (#from_line, #from_column),
            }
        }
    }

    /// Goes through a decision, or what one comes from.
    fn decision(&mut self, at: Span, go: impl FnOnce(&mut Self)) {
        let outer = self.decision;
        self.decision = outer.or(Some(start_of(at)));
        go(self);
        self.decision = outer;
    }

    /// Goes through what is no part of a decision around it.
    fn apart(&mut self, go: impl FnOnce(&mut Self)) {
        let outer = self.decision.take();
        go(self);
        self.decision = outer;
    }

    /// Calls `multiproc_checker::mutants::name` for the place `at`.
    fn call(&self, name: &str, at: Span, text: &str, value: Option<&Expr>) -> Expr {
        let place = self.place(at, text);
        let name = syn::Ident::new(name, own());
        match value {
            Some(value) => parse_quote!(::multiproc_checker::mutants::#name(#place, #value)),
            None => parse_quote!(::multiproc_checker::mutants::#name(#place)),
        }
    }

    /// What is a `bool` for certain.
    fn condition(&mut self, expr: &mut Expr) {
        match expr {
            Expr::Paren(inner) => self.condition(&mut inner.expr),
            Expr::Group(inner) => self.condition(&mut inner.expr),
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => {
                self.condition(&mut unary.expr)
            }
            Expr::Binary(ExprBinary { op: BinOp::And(_), .. }) if has_let(expr) => self.chain(expr),
            Expr::Binary(binary) if is_logic(&binary.op) => {
                self.condition(&mut binary.left);
                self.condition(&mut binary.right);
            }
            Expr::Let(_) => self.chain(expr),
            Expr::Lit(_) => {}
            Expr::Path(path) if is_constant(path) => {}
            // Wrapped where they stand.
            Expr::Binary(binary) if is_comparison(&binary.op) => self.visit_expr_mut(expr),
            Expr::Macro(mac) if is_matches(mac) => self.visit_expr_mut(expr),
            Expr::Macro(_) => {}
            Expr::If(_) | Expr::Match(_) | Expr::Block(_) | Expr::Unsafe(_) => {
                self.tail(expr, Gives::Bool);
            }
            _ => {
                let (at, text) = (expr.span(), text::of(expr));
                self.decision(at, |this| {
                    this.visit_expr_mut(expr);
                    *expr = this.call("holds", at, &text, Some(expr));
                });
            }
        }
    }

    /// `a && let b = c && d`: in a chain, each `let` gets a condition behind it.
    fn chain(&mut self, expr: &mut Expr) {
        let mut parts = Vec::new();
        take_chain(std::mem::replace(expr, Expr::PLACEHOLDER), &mut parts);
        let mut chain: Option<Expr> = None;
        let mut push = |part: Expr| {
            chain = Some(match chain.take() {
                Some(before) => Expr::Binary(ExprBinary {
                    attrs: Vec::new(),
                    left: Box::new(before),
                    op: parse_quote!(&&),
                    right: Box::new(part),
                }),
                None => part,
            });
        };
        for mut part in parts {
            let whole = part.clone();
            if let Expr::Let(ExprLet { expr: value, .. }) = &mut part {
                let at = value.span();
                self.visit_expr_mut(value);
                let text = text::of(&whole);
                push(part);
                push(self.call("matched", at, &text, None));
            } else {
                self.condition(&mut part);
                push(part);
            }
        }
        *expr = chain.expect("a chain has a part");
    }

    /// What a block, or a function, gives.
    fn tail(&mut self, expr: &mut Expr, gives: Gives) {
        match expr {
            _ if gives == Gives::Other => self.visit_expr_mut(expr),
            Expr::Paren(inner) => self.tail(&mut inner.expr, gives),
            Expr::Block(block) if block.label.is_none() => {
                self.tail_of_block(&mut block.block, gives)
            }
            Expr::Unsafe(block) => self.tail_of_block(&mut block.block, gives),
            Expr::If(branches) if branches.else_branch.is_some() => {
                self.condition(&mut branches.cond);
                self.tail_of_block(&mut branches.then_branch, gives);
                if let Some((_, other)) = &mut branches.else_branch {
                    self.tail(other, gives);
                }
            }
            Expr::Match(branches) => {
                self.visit_expr_mut(&mut branches.expr);
                for arm in &mut branches.arms {
                    if let Some((_, guard)) = &mut arm.guard {
                        self.condition(guard);
                    }
                    self.tail(&mut arm.body, gives);
                }
            }
            // They give nothing here.
            Expr::Return(_) | Expr::Break(_) | Expr::Continue(_) | Expr::Loop(_) | Expr::If(_) => {
                self.visit_expr_mut(expr);
            }
            Expr::While(_) | Expr::ForLoop(_) | Expr::Macro(_) => self.visit_expr_mut(expr),
            _ => match gives {
                Gives::Bool => self.condition(expr),
                Gives::Option if !is_none(expr) => self.give("given", expr),
                Gives::Success if is_err(expr) => self.give("failed", expr),
                _ => self.visit_expr_mut(expr),
            },
        }
    }

    fn give(&mut self, name: &str, expr: &mut Expr) {
        let (at, text) = (expr.span(), text::of(expr));
        self.visit_expr_mut(expr);
        *expr = self.call(name, at, &text, Some(expr));
    }

    fn tail_of_block(&mut self, block: &mut Block, gives: Gives) {
        let Some((last, others)) = block.stmts.split_last_mut() else { return };
        others.iter_mut().for_each(|stmt| self.visit_stmt_mut(stmt));
        match last {
            Stmt::Expr(expr, None) => self.tail(expr, gives),
            other => self.visit_stmt_mut(other),
        }
    }

    /// `a + b`, which may become `a`, or `b`.
    fn operator(&mut self, expr: &mut Expr) {
        let Expr::Binary(ExprBinary { left, op, right, .. }) = expr else { return };
        let at = left.span();
        let (left_text, right_text) = (text::of(left), text::of(right));
        let place = self.place(at, &format!("{left_text} {} {right_text}", text::of(op)));
        self.visit_expr_mut(left);
        self.visit_expr_mut(right);
        let (a, b) = (syn::Ident::new("a", own()), syn::Ident::new("b", own()));
        let or_right = matches!(op, BinOp::BitOr(_) | BinOp::BitXor(_)).then(|| {
            quote! {
                if ::multiproc_checker::mutants::becomes(#place, #right_text) { #b } else
            }
        });
        let span = op.span();
        let whole = quote_spanned!(span=> #a #op #b);
        *expr = parse_quote! {
            match (#left, #right) {
                (#a, #b) => if ::multiproc_checker::mutants::becomes(#place, #left_text) {
                    #a
                } else #or_right {
                    #whole
                }
            }
        };
    }

    /// As [`Decisions::operator`], of `a.wrapping_add(b)`.
    fn method(&mut self, expr: &mut Expr) {
        let text = text::of(expr);
        let Expr::MethodCall(ExprMethodCall { receiver, method, args, .. }) = expr else { return };
        let (at, receiver_text) = (receiver.span(), text::of(receiver));
        let place = self.place(at, &text);
        self.visit_expr_mut(receiver);
        let right = &mut args[0];
        self.visit_expr_mut(right);
        let (a, b) = (syn::Ident::new("a", own()), syn::Ident::new("b", own()));
        *expr = parse_quote! {
            match (#receiver, #right) {
                (#a, #b) => if ::multiproc_checker::mutants::becomes(#place, #receiver_text) {
                    #a
                } else {
                    #a.#method(#b)
                }
            }
        };
    }

    /// A statement that may be left out.
    fn statement(&mut self, stmt: &mut Stmt, at: Span, text: &str) {
        visit_mut::visit_stmt_mut(self, stmt);
        let is_run = self.call("is_run", at, text, None);
        *stmt = parse_quote_spanned!(own()=> if #is_run { #stmt });
    }
}

impl VisitMut for Decisions {
    fn visit_stmt_mut(&mut self, stmt: &mut Stmt) {
        match stmt {
            Stmt::Item(item) => self.inner(item),
            Stmt::Expr(expr, Some(_)) if is_call(expr) || is_assignment(expr) => {
                let (at, text) = (expr.span(), text::of(expr));
                self.statement(stmt, at, &text);
            }
            Stmt::Local(Local { pat: Pat::Wild(_), init: Some(init), .. })
                if init.diverge.is_none() && is_call(&init.expr) =>
            {
                let (at, text) = (init.expr.span(), text::of(&init.expr));
                self.statement(stmt, at, &text);
            }
            _ => visit_mut::visit_stmt_mut(self, stmt),
        }
    }

    fn visit_block_mut(&mut self, block: &mut Block) {
        self.apart(|this| visit_mut::visit_block_mut(this, block));
    }

    fn visit_item_mut(&mut self, item: &mut Item) {
        self.inner(item);
    }

    fn visit_pat_mut(&mut self, _: &mut Pat) {}

    fn visit_type_mut(&mut self, _: &mut Type) {}

    fn visit_path_mut(&mut self, _: &mut syn::Path) {}

    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        match expr {
            // At compile time.
            Expr::Const(_) => {}
            Expr::Repeat(ExprRepeat { expr, .. }) => self.visit_expr_mut(expr),
            Expr::If(branches) => {
                self.condition(&mut branches.cond);
                self.visit_block_mut(&mut branches.then_branch);
                if let Some((_, other)) = &mut branches.else_branch {
                    self.visit_expr_mut(other);
                }
            }
            Expr::While(repeated) => {
                self.condition(&mut repeated.cond);
                self.visit_block_mut(&mut repeated.body);
            }
            Expr::Match(branches) => {
                self.visit_expr_mut(&mut branches.expr);
                for arm in &mut branches.arms {
                    if let Some((_, guard)) = &mut arm.guard {
                        self.condition(guard);
                    }
                    self.visit_expr_mut(&mut arm.body);
                }
            }
            Expr::Closure(closure) => self.closure(closure, Gives::Other),
            Expr::Return(given) => {
                if let Some(given) = &mut given.expr {
                    self.tail(given, self.gives);
                }
            }
            Expr::Binary(binary) if is_logic(&binary.op) => {
                self.condition(&mut binary.left);
                self.condition(&mut binary.right);
            }
            Expr::Binary(binary) if is_comparison(&binary.op) => {
                let (at, text) = (binary.left.span(), text::of(binary));
                self.decision(at, |this| {
                    this.visit_expr_mut(&mut binary.left);
                    this.visit_expr_mut(&mut binary.right);
                });
                self.decision(at, |this| *expr = this.call("holds", at, &text, Some(expr)));
            }
            Expr::Binary(binary) if is_operator(&binary.op) => {
                let at = binary.left.span();
                self.decision(at, |this| this.operator(expr));
            }
            Expr::Macro(mac) if is_matches(mac) => {
                let (at, text) = (mac.span(), text::of(mac));
                *expr = self.call("holds", at, &text, Some(expr));
            }
            Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => match &mut *unary.expr {
                Expr::Call(_) | Expr::MethodCall(_) => {
                    let (at, text) = (unary.expr.span(), text::of(&unary.expr));
                    self.decision(at, |this| {
                        this.visit_expr_mut(&mut unary.expr);
                        *unary.expr = this.call("bits", at, &text, Some(&unary.expr));
                    });
                }
                other => self.visit_expr_mut(other),
            },
            Expr::MethodCall(call) if is_operator_method(call) => {
                let at = call.receiver.span();
                self.decision(at, |this| this.method(expr));
            }
            Expr::MethodCall(call) => {
                if ["then", "then_some"].iter().any(|name| call.method == name) {
                    self.condition(&mut call.receiver);
                } else {
                    self.visit_expr_mut(&mut call.receiver);
                }
                let asks = ASKING.iter().any(|name| call.method == name);
                for argument in &mut call.args {
                    match argument {
                        Expr::Closure(closure) if asks => self.closure(closure, Gives::Bool),
                        other => self.visit_expr_mut(other),
                    }
                }
            }
            _ => visit_mut::visit_expr_mut(self, expr),
        }
    }
}

impl Decisions {
    /// What a `return` in it gives, is not what the function gives.
    fn closure(&mut self, closure: &mut ExprClosure, gives: Gives) {
        let outer = std::mem::replace(&mut self.gives, gives);
        self.apart(|this| this.tail(&mut closure.body, gives));
        self.gives = outer;
    }
}
