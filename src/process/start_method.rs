//! How a child that is spawned comes to be.

/// How [`Process::spawn`](crate::Process::spawn) starts a child: see
/// [`ProcessBuilder::start_method`](crate::ProcessBuilder::start_method).
///
/// | | `Spawn` | `ForkServer` |
/// |---|---|---|
/// | the child is | this program, started again | a copy of a helper that was |
/// | a start takes | an exec: the loader and what runs before `main` run again | a fork of a small process, less than half of that |
/// | more memory in the parent | costs nothing | costs nothing |
/// | environment, working directory, limits, standard streams | the parent's, as at the start | the same |
/// | signals | none is blocked; the parent's, as at the start, are ignored | none is blocked; those are ignored that the parent ignored when the helper was started |
/// | other descriptors that the parent has inherited, or made inheritable | inherited | none |
/// | umask, priority, CPU affinity, namespaces, control group | the parent's, as at the start | as when the helper was started |
/// | addresses in memory (ASLR) | its own | the same in all children of one helper |
///
/// Where another helper is needed, since the parent has changed its user, groups, capabilities, process
/// group, session, `no_new_privs` or seccomp mode, or since somebody has killed the helper, it is started without a word.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StartMethod {
    /// The program is started again for each child.
    #[default]
    Spawn,
    /// A helper process is started by the first child, and copies itself for each.
    ///
    /// The helper is this program, started again, that never comes to `main`: it has one thread, none of
    /// the parent's memory and none of its descriptors, and waits. It is a child of this process, so code
    /// that waits for any child may see it; it ends with this process, or when it is killed, which does no
    /// harm. A forked process has a helper of its own.
    ///
    /// The child is this process's own: all that is said of [`Process`](crate::Process) holds. What runs
    /// before `main` has run in the helper, once, with the environment that this process had then and with
    /// standard streams that lead nowhere; handlers of `pthread_atfork` are not run.
    ///
    /// Where no helper can be had (what runs before `main` starts a thread; a sandbox refuses `clone` or
    /// `prctl`), where the working directory cannot be opened, or where an argument brings more than 240 descriptors, the child is started as by [`StartMethod::Spawn`].
    ///
    /// # A sandbox
    ///
    /// What this process forbids itself after the helper was started and what the kernel does not tell (Landlock,
    /// more seccomp filters than the first, an LSM's label) does not hold for the children: start them by
    /// [`StartMethod::Spawn`] then.
    ///
    /// # Different from Python
    ///
    /// Python's helper is the parent of what it forks, and knows of the exit code only; no module needs
    /// to be named that the helper imports.
    ForkServer,
}
