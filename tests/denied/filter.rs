//! What the kernel refuses, by seccomp: to all threads of this process and to all its children.

use std::collections::BTreeMap;
use std::env::consts::ARCH;

use rustix::io::Errno;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch, apply_filter_all_threads,
};

/// Calls of one number: all, or those with a certain value as one argument.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Calls {
    pub(crate) number: i64,
    /// Which argument, from 0, and the value.
    pub(crate) with: Option<(u8, u64)>,
}

/// Refuses `calls` from here on: each fails with `errno`.
pub(crate) fn deny(calls: &[Calls], errno: Errno) {
    let refusal = SeccompAction::Errno(errno.raw_os_error().cast_unsigned());
    apply(calls.iter().copied(), SeccompAction::Allow, refusal);
}

/// Takes no other calls than these from here on: each other is a SIGSYS.
pub(crate) fn allow_only(calls: impl Iterator<Item = Calls>) {
    apply(calls, SeccompAction::Trap, SeccompAction::Allow);
}

/// Whether this machine has filters, for this program.
pub(crate) fn is_known() -> bool {
    TargetArch::try_from(ARCH).is_ok()
}

fn apply(calls: impl Iterator<Item = Calls>, others: SeccompAction, these: SeccompAction) {
    // Of those for which there is no rule, all are meant.
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> = BTreeMap::new();
    let calls: Vec<Calls> = calls.collect();
    for &Calls { number, with } in &calls {
        let rules = rules.entry(number).or_default();
        let all = calls.iter().any(|call| call.number == number && call.with.is_none());
        if let Some((argument, value)) = with.filter(|_| !all) {
            let length = SeccompCmpArgLen::Dword;
            let condition = SeccompCondition::new(argument, length, SeccompCmpOp::Eq, value);
            let conditions = vec![condition.expect("a call has such an argument")];
            rules.push(SeccompRule::new(conditions).expect("a rule has a condition"));
        }
    }
    let arch = TargetArch::try_from(ARCH).expect("asked before");
    let filter = SeccompFilter::new(rules, others, these, arch).expect("the actions differ");
    let program = BpfProgram::try_from(filter).expect("it is not too long");
    apply_filter_all_threads(&program).expect("the kernel takes a filter");
}
