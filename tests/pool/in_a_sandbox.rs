//! Pools where the system refuses a call that they would like to make.

use std::io::Error as OsError;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::*;

/// Lets these system calls fail in this thread and all that it starts, as a sandbox does. False, and
/// said so, where the kernel has no filters.
fn deny(calls: &[libc::c_long]) -> bool {
    let filter = |code, jf, k| libc::sock_filter { code, jt: 0, jf, k };
    let (load, is_equal, give) = (0x20, 0x15, 0x06);
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM.cast_unsigned();
    // Word 0 is the call's number.
    let mut program = vec![filter(load, 0, 0)];
    for &call in calls {
        program.extend([filter(is_equal, 1, call as u32), filter(give, 0, refused)]);
    }
    program.push(filter(give, 0, libc::SECCOMP_RET_ALLOW));
    let program = libc::sock_fprog { len: program.len() as u16, filter: program.as_mut_ptr() };
    // SAFETY: the kernel copies the program, which is there during the call.
    let denied = unsafe {
        libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0
            && libc::prctl(libc::PR_SET_SECCOMP, libc::SECCOMP_MODE_FILTER, &program) == 0
    };
    if !denied {
        eprintln!("SKIPPED: no system call can be denied here: {}", OsError::last_os_error());
    }
    denied
}

#[test]
fn a_pool_ends_where_no_worker_can_be_signalled() {
    in_own_process(|()| {
        if !deny(&[libc::SYS_pidfd_send_signal]) {
            return;
        }
        let child = Process::spawn(|()| (), ()).unwrap();
        assert!(child.kill().is_err(), "it is denied");

        for way in 0..3 {
            let pool = Pool::new(3).unwrap();
            let worker = pool.apply(pid, ()).unwrap();
            let task = pool.apply_async(forever, ()).unwrap();
            // One that hears no signals that it could ignore.
            let deaf = pool
                .apply_async(
                    |()| loop {
                        std::hint::spin_loop()
                    },
                    (),
                )
                .unwrap();
            match way {
                0 => drop(pool),
                1 => {
                    pool.terminate();
                    assert_eq!(pool.join(), Ok(()));
                }
                // Not even those that have hardly started.
                _ => drop((Pool::new(2).unwrap(), pool)),
            }
            assert_eq!(task.try_get(), Some(Err(TaskError::Terminated)));
            assert_eq!(deaf.try_get(), Some(Err::<(), _>(TaskError::Terminated)));
            assert!(!std::fs::exists(format!("/proc/{worker}")).unwrap());
        }
    });
}

#[test]
fn a_pool_works_where_nobody_can_wait_for_descriptors() {
    in_own_process(|()| {
        #[cfg(target_arch = "x86_64")]
        let calls = [libc::SYS_ppoll, libc::SYS_poll];
        #[cfg(not(target_arch = "x86_64"))]
        let calls = [libc::SYS_ppoll];
        if !deny(&calls) {
            return;
        }
        let (receiver, _sender) = pipe::<()>().unwrap();
        assert!(multiproc::wait_any_for(&[&receiver], LONG).is_err(), "it is denied");

        let pool = Pool::new(2).unwrap();
        assert_eq!(pool.map(square, 0..50), Ok((0..50).map(square).collect()));
        assert_eq!(pool.apply(square, 3), Ok(9));
        pool.close();
        assert_eq!(pool.join(), Ok(()));

        let pool = Pool::new(2).unwrap();
        let task = pool.apply_async(forever, ()).unwrap();
        drop(pool);
        assert_eq!(task.try_get(), Some(Err(TaskError::Terminated)));
    });
}

#[test]
fn a_result_for_which_there_is_no_room_is_an_error_of_its_task() {
    in_own_process(|()| {
        // A long message travels in memory that counts as a file.
        let limit = Rlimit { current: Some(1 << 16), ..getrlimit(Resource::Fsize) };
        // SAFETY: to ignore a signal runs no code. Workers inherit it.
        unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
        setrlimit(Resource::Fsize, limit).unwrap();
        let pool = Pool::new(1).unwrap();
        let worker = pool.apply(pid, ()).unwrap();
        let long = |bytes: usize| "x".repeat(bytes);
        let error = pool.apply(long, 1 << 20).unwrap_err();
        assert!(matches!(error, TaskError::Encode(_)), "{error}");
        let error = pool.apply(|text: String| text.len(), long(1 << 20)).unwrap_err();
        assert!(matches!(error, TaskError::Argument(_)), "{error}");
        assert_eq!(pool.apply(long, 9), Ok(long(9)));
        assert_eq!(pool.apply(pid, ()), Ok(worker));
    });
}
