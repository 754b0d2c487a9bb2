//! Operations that go wrong, each in another way: the table must see it.

use std::process::Command;

use super::{Done, Operation, here};

pub(crate) const CONTROLS: &[Operation] = &[
    here("control: a wrong value", |_| panic!("on purpose")),
    here("control: an error that names nothing", |_| Err("on purpose".into())),
    here("control: a crash", |_| std::process::abort()),
    here("control: a hang", hang),
    here("control: a child that stays", leave_a_child),
    here("control: a call that is on no list", call_another),
];

fn hang(_: &dyn Fn()) -> Done {
    loop {
        std::thread::park();
    }
}

fn leave_a_child(_: &dyn Fn()) -> Done {
    Command::new("sleep").arg("1000").spawn()?;
    Ok(())
}

fn call_another(_: &dyn Fn()) -> Done {
    // SAFETY: it is only asked.
    unsafe { libc::getpriority(libc::PRIO_PROCESS, 0) };
    Ok(())
}
