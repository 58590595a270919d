//! What a worker gives up before its first script: every file descriptor but the socket, files,
//! network, new processes, and most system calls. On Linux through rlimits, Landlock and seccomp;
//! elsewhere through rlimits alone (see chapter 13 for what that leaves).

use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;

/// What the address space may grow to, in bytes: the largest heap, the tools' own memory and the
/// binary itself.
const ADDRESS_SPACE: u64 = 2 << 30;

/// Takes the socket that the host put at file descriptor 0 and closes everything else.
pub(super) fn take_socket() -> Option<UnixStream> {
    // SAFETY: closes descriptors that nothing in this process uses yet; descriptor 0 is taken over
    // exactly once, here.
    #[allow(unsafe_code)]
    let fd = unsafe {
        #[cfg(target_os = "linux")]
        if libc::syscall(libc::SYS_close_range, 1u32, u32::MAX, 0u32) != 0 {
            close_each();
        }
        #[cfg(not(target_os = "linux"))]
        close_each();
        OwnedFd::from_raw_fd(0)
    };
    let socket = UnixStream::from(fd);
    // A descriptor that is no socket means that nobody started this on purpose.
    socket.peer_addr().ok()?;
    Some(socket)
}

fn close_each() {
    for fd in 1..4_096 {
        // SAFETY: as above; closing a closed descriptor only fails.
        #[allow(unsafe_code)]
        unsafe {
            libc::close(fd);
        }
    }
}

/// Gives everything up. An error means that the worker must not run anything.
pub(super) fn confine() -> io::Result<()> {
    // The first reading of a clock asks the kernel for where its fast path is; later ones do not.
    let _ = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    let _ = rustix::param::clock_ticks_per_second();
    #[cfg(target_os = "linux")]
    linux::give_up_files()?;
    limits()?;
    // Last, because it also forbids the calls above.
    #[cfg(target_os = "linux")]
    linux::give_up_calls()?;
    Ok(())
}

fn limits() -> io::Result<()> {
    use rustix::process::{Resource, Rlimit, setrlimit};
    let set = |resource, value| {
        setrlimit(
            resource,
            Rlimit {
                current: Some(value),
                maximum: Some(value),
            },
        )
        .map_err(io::Error::from)
    };
    set(Resource::Core, 0)?;
    set(Resource::Fsize, 0)?;
    set(Resource::Nofile, 1)?;
    #[cfg(target_os = "linux")]
    set(Resource::As, ADDRESS_SPACE)?;
    // Root is exempt from this one; seccomp is not so generous.
    let _ = set(Resource::Nproc, 0);
    let _ = rustix::process::nice(5);
    Ok(())
}

#[cfg(target_os = "linux")]
mod linux {
    use landlock::{
        ABI, Access, AccessFs, AccessNet, CompatLevel, Compatible, Ruleset, RulesetAttr,
    };
    use seccompiler::{
        BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
        SeccompRule,
    };
    use std::collections::BTreeMap;
    use std::io;

    pub(super) fn give_up_files() -> io::Result<()> {
        rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))?;
        rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)?;
        rustix::thread::set_no_new_privs(true)?;
        landlock().map_err(io::Error::other)
    }

    pub(super) fn give_up_calls() -> io::Result<()> {
        seccomp().map_err(io::Error::other)
    }

    /// No path, no port: as much of it as the kernel knows.
    fn landlock() -> Result<(), landlock::RulesetError> {
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(ABI::V5))?
            .handle_access(AccessNet::from_all(ABI::V5))?
            .create()?
            .restrict_self()?;
        Ok(())
    }

    /// What a single-threaded process needs to compute and to talk on an open socket. Everything
    /// else kills it.
    const ALLOWED: &[libc::c_long] = &[
        libc::SYS_read,
        libc::SYS_write,
        libc::SYS_readv,
        libc::SYS_writev,
        libc::SYS_recvfrom,
        libc::SYS_sendto,
        libc::SYS_munmap,
        libc::SYS_mremap,
        libc::SYS_madvise,
        libc::SYS_brk,
        libc::SYS_futex,
        libc::SYS_clock_gettime,
        libc::SYS_clock_nanosleep,
        libc::SYS_gettimeofday,
        libc::SYS_getrandom,
        libc::SYS_sigaltstack,
        libc::SYS_rt_sigaction,
        libc::SYS_rt_sigprocmask,
        libc::SYS_rt_sigreturn,
        libc::SYS_sched_yield,
        libc::SYS_getpid,
        libc::SYS_gettid,
        libc::SYS_close,
        libc::SYS_exit,
        libc::SYS_exit_group,
    ];

    fn seccomp() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
            ALLOWED.iter().map(|call| (*call, Vec::new())).collect();
        // Memory, but never memory that can be executed: protection without PROT_EXEC.
        for call in [libc::SYS_mmap, libc::SYS_mprotect] {
            let not_exec = SeccompCondition::new(
                2,
                SeccompCmpArgLen::Dword,
                SeccompCmpOp::MaskedEq(libc::PROT_EXEC as u64),
                0,
            )?;
            rules.insert(call, vec![SeccompRule::new(vec![not_exec])?]);
        }
        let filter = SeccompFilter::new(
            rules,
            SeccompAction::KillProcess,
            SeccompAction::Allow,
            std::env::consts::ARCH.try_into()?,
        )?;
        let program: BpfProgram = filter.try_into()?;
        seccompiler::apply_filter(&program)?;
        Ok(())
    }
}
