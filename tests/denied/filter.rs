//! What the kernel refuses, by seccomp: to all threads of this process and to all its children.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::io::Errno;
use seccompiler::{
    BpfProgram, Error, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, apply_filter_all_threads,
};

/// Calls of one number: all, or those with a certain value as one argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls {
    pub(crate) number: i64,
    /// Which argument, from 0, and the value.
    pub(crate) with: Option<(u8, u64)>,
}

/// Refuses `calls` from here on: each fails with `errno`.
pub(crate) fn deny(calls: &[Calls], errno: Errno) -> Result<(), Error> {
    let refusal = SeccompAction::Errno(errno.raw_os_error().cast_unsigned());
    apply(calls.iter().copied(), SeccompAction::Allow, refusal)
}

/// Takes no other calls than these from here on: each other is a SIGSYS.
pub(crate) fn allow_only(calls: impl Iterator<Item = Calls>) -> Result<(), Error> {
    apply(calls, SeccompAction::Trap, SeccompAction::Allow)
}

/// Fails where the kernel has no filters, or seccompiler knows none for this machine.
fn apply(
    calls: impl Iterator<Item = Calls>,
    others: SeccompAction,
    these: SeccompAction,
) -> Result<(), Error> {
    // Of those for which there is no rule, all are meant.
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let calls: Vec<Calls> = calls.collect();
    for &Calls { number, with } in &calls {
        let rules = rules.entry(number).or_default();
        let all = calls.iter().any(|call| call.number == number && call.with.is_none());
        if let Some((argument, value)) = with.filter(|_| !all) {
            let length = SeccompCmpArgLen::Dword;
            let condition = SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value)?;
            rules.push(SeccompRule::new(vec![condition])?);
        }
    }
    let filter = SeccompFilter::new(rules, others, these, ARCH.try_into()?)?;
    apply_filter_all_threads(&BpfProgram::try_from(filter)?)
}
