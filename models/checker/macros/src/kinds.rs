//! What is what among expressions, by its look alone.

use syn::{
    BinOp, Expr, ExprBinary, ExprMacro, ExprMethodCall, ExprPath, GenericArgument, PathArguments,
    ReturnType, Type,
};

/// What a function gives, as far as it can be weakened.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Gives {
    Bool,
    Option,
    /// `Result<(), _>`
    Success,
    Other,
}

impl Gives {
    pub(crate) fn of(output: &ReturnType) -> Self {
        let ReturnType::Type(_, ty) = output else { return Gives::Other };
        let Type::Path(path) = &**ty else { return Gives::Other };
        let Some(last) = path.path.segments.last() else { return Gives::Other };
        let gives_unit = || match &last.arguments {
            PathArguments::AngleBracketed(arguments) => match arguments.args.first() {
                Some(GenericArgument::Type(Type::Tuple(tuple))) => tuple.elems.is_empty(),
                _ => false,
            },
            _ => false,
        };
        match last.ident.to_string().as_str() {
            "bool" => Gives::Bool,
            "Option" => Gives::Option,
            "Result" if gives_unit() => Gives::Success,
            _ => Gives::Other,
        }
    }
}

/// Methods that are given a closure which gives a `bool`.
pub(crate) const ASKING: [&str; 8] =
    ["filter", "any", "all", "position", "find", "is_some_and", "is_none_or", "take_while"];

pub(crate) fn is_logic(op: &BinOp) -> bool {
    matches!(op, BinOp::And(_) | BinOp::Or(_))
}

pub(crate) fn is_comparison(op: &BinOp) -> bool {
    use BinOp::{Eq, Ge, Gt, Le, Lt, Ne};
    matches!(op, Eq(_) | Ne(_) | Lt(_) | Le(_) | Gt(_) | Ge(_))
}

pub(crate) fn is_operator(op: &BinOp) -> bool {
    use BinOp::{Add, BitAnd, BitOr, BitXor, Div, Mul, Rem, Shl, Shr, Sub};
    matches!(
        op,
        Add(_)
            | Sub(_)
            | Mul(_)
            | Div(_)
            | Rem(_)
            | BitAnd(_)
            | BitOr(_)
            | BitXor(_)
            | Shl(_)
            | Shr(_)
    )
}

pub(crate) fn is_operator_method(call: &ExprMethodCall) -> bool {
    const METHODS: [&str; 6] = [
        "wrapping_add",
        "wrapping_sub",
        "wrapping_mul",
        "saturating_add",
        "saturating_sub",
        "saturating_mul",
    ];
    call.args.len() == 1 && METHODS.iter().any(|name| call.method == name)
}

/// `a += b` and its like: not `a = b`.
pub(crate) fn is_assignment(expr: &Expr) -> bool {
    matches!(expr, Expr::Binary(binary) if !is_logic(&binary.op) && !is_comparison(&binary.op) && !is_operator(&binary.op))
}

/// `a(b)`, `a.b(c)`, and either with `?`; but not an operation of the machine, which is weakened itself, nor
/// what only spares a destructor.
pub(crate) fn is_call(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => !matches!(&*call.func, Expr::Path(path)
            if path.path.segments.last().is_some_and(|last| last.ident == "forget")),
        Expr::MethodCall(call) => !["store", "wake", "wake_op", "compare_exchange", "spin"]
            .iter()
            .any(|it| call.method == it),
        Expr::Try(tried) => is_call(&tried.expr),
        _ => false,
    }
}

pub(crate) fn is_matches(mac: &ExprMacro) -> bool {
    mac.mac.path.is_ident("matches")
}

/// By its name: it is known at compile time.
pub(crate) fn is_constant(path: &ExprPath) -> bool {
    let last = path.path.segments.last().map(|last| last.ident.to_string());
    last.is_some_and(|name| !name.chars().any(char::is_lowercase) && name.len() > 1)
}

pub(crate) fn is_none(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("None"))
}

pub(crate) fn is_err(expr: &Expr) -> bool {
    matches!(expr, Expr::Call(call) if matches!(&*call.func, Expr::Path(path) if path.path.is_ident("Err")))
}

pub(crate) fn has_let(expr: &Expr) -> bool {
    match expr {
        Expr::Let(_) => true,
        Expr::Binary(ExprBinary { op: BinOp::And(_), left, right, .. }) => {
            has_let(left) || has_let(right)
        }
        _ => false,
    }
}

/// The parts of `a && b && c`.
pub(crate) fn take_chain(expr: Expr, parts: &mut Vec<Expr>) {
    match expr {
        Expr::Binary(ExprBinary { op: BinOp::And(_), left, right, .. }) => {
            take_chain(*left, parts);
            take_chain(*right, parts);
        }
        part => parts.push(part),
    }
}
