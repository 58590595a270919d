//! Test builds only: what hostile native code inside a worker would try. Each attempt says what it
//! got; the kernel may end the process before it can.

// Plain system calls with constant arguments; their failing is the point.
#![allow(unsafe_code)]

use libc::{c_long, syscall};

/// Makes an attempt and says what the kernel answered: negative is a refusal. The attempt
/// `descriptors` counts instead what was left open besides the socket.
pub(super) fn attempt(what: &str) -> i64 {
    // SAFETY: constant arguments, valid pointers; what the calls would do is up to the kernel.
    unsafe { try_it(what) }
}

unsafe fn try_it(what: &str) -> i64 {
    let at = c_long::from(libc::AT_FDCWD);
    let mut buffer = [0u64; 32];
    let room = buffer.as_mut_ptr();
    let private = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let everything = libc::PROT_READ | libc::PROT_WRITE | libc::PROT_EXEC;
    // SAFETY: as above.
    unsafe {
        match what {
            "descriptors" => (1..1_024)
                .filter(|fd| {
                    libc::read(*fd, room.cast(), 0) == 0 || *libc::__errno_location() != libc::EBADF
                })
                .count() as i64,
            "open" => syscall(
                libc::SYS_openat,
                at,
                c"/etc/passwd".as_ptr(),
                libc::O_RDONLY,
            ),
            "openat2" => syscall(libc::SYS_openat2, at, c"/etc/passwd".as_ptr(), room, 24),
            "open_by_handle" => syscall(libc::SYS_open_by_handle_at, at, room, libc::O_RDONLY),
            "proc_of_parent" => syscall(libc::SYS_openat, at, c"/proc/self/environ".as_ptr(), 0),
            "proc_by_descriptor" => syscall(libc::SYS_openat, 0, c"../proc/1/environ".as_ptr(), 0),
            "create" => syscall(
                libc::SYS_openat,
                at,
                c"/tmp/deputy-escape".as_ptr(),
                libc::O_CREAT | libc::O_WRONLY,
                0o600,
            ),
            "unlink" => syscall(libc::SYS_unlinkat, at, c"/tmp/deputy-escape".as_ptr(), 0),
            "rename" => syscall(
                libc::SYS_renameat2,
                at,
                c"/tmp/a".as_ptr(),
                at,
                c"/tmp/deputy-escape".as_ptr(),
                0,
            ),
            "stat" => syscall(libc::SYS_statx, at, c"/etc/passwd".as_ptr(), 0, 0x7ff, room),
            "read_directory" => syscall(libc::SYS_getdents64, 0, room, 256),
            "memfd" => syscall(libc::SYS_memfd_create, c"x".as_ptr(), 0),
            "io_uring" => syscall(libc::SYS_io_uring_setup, 8, room),
            "socket" => syscall(libc::SYS_socket, libc::AF_INET, libc::SOCK_STREAM, 0),
            "socket_udp" => syscall(libc::SYS_socket, libc::AF_INET6, libc::SOCK_DGRAM, 0),
            "socket_unix" => syscall(libc::SYS_socket, libc::AF_UNIX, libc::SOCK_STREAM, 0),
            "socket_netlink" => syscall(libc::SYS_socket, libc::AF_NETLINK, libc::SOCK_RAW, 0),
            "socketpair" => syscall(
                libc::SYS_socketpair,
                libc::AF_UNIX,
                libc::SOCK_STREAM,
                0,
                room,
            ),
            "connect_abstract" => {
                let name: libc::sockaddr_un = libc::sockaddr_un {
                    sun_family: libc::AF_UNIX as u16,
                    sun_path: [0; 108],
                };
                syscall(libc::SYS_connect, 0, &raw const name, 16)
            }
            "receive_descriptor" => syscall(libc::SYS_recvmsg, 0, room, libc::MSG_DONTWAIT),
            "send_descriptor" => syscall(libc::SYS_sendmsg, 0, room, libc::MSG_DONTWAIT),
            "pipe" => syscall(libc::SYS_pipe2, room, 0),
            "eventfd" => syscall(libc::SYS_eventfd2, 0, 0),
            "dup" => syscall(libc::SYS_dup, 0),
            "fcntl_dup" => syscall(libc::SYS_fcntl, 0, libc::F_DUPFD, 5),
            "fork" => syscall(libc::SYS_clone, libc::SIGCHLD, 0, 0, 0, 0),
            "clone3" => {
                *room.add(4) = libc::SIGCHLD as u64;
                syscall(libc::SYS_clone3, room, 88)
            }
            "thread" => syscall(
                libc::SYS_clone,
                libc::CLONE_VM | libc::CLONE_THREAD | libc::CLONE_SIGHAND,
                0,
                0,
                0,
                0,
            ),
            "exec" => syscall(libc::SYS_execve, c"/bin/true".as_ptr(), room, room),
            "execveat" => syscall(libc::SYS_execveat, at, c"/bin/true".as_ptr(), room, room, 0),
            "ptrace_parent" => {
                syscall(libc::SYS_ptrace, libc::PTRACE_ATTACH, libc::getppid(), 0, 0)
            }
            "read_parent" => syscall(libc::SYS_process_vm_readv, 1, room, 1, room, 1, 0),
            "pidfd" => syscall(libc::SYS_pidfd_open, 1, 0),
            "kill_parent" => syscall(libc::SYS_kill, 1, 0),
            "kill_all" => syscall(libc::SYS_kill, -1, 0),
            "kill_thread" => syscall(libc::SYS_tgkill, 1, 1, 0),
            "parent" => syscall(libc::SYS_getppid),
            "mount" => syscall(
                libc::SYS_mount,
                c"none".as_ptr(),
                c"/tmp".as_ptr(),
                c"tmpfs".as_ptr(),
                0,
                0,
            ),
            "chroot" => syscall(libc::SYS_chroot, c"/".as_ptr()),
            "chdir" => syscall(libc::SYS_chdir, c"/tmp".as_ptr()),
            "unshare" => syscall(libc::SYS_unshare, libc::CLONE_NEWUSER),
            "setns" => syscall(libc::SYS_setns, 0, 0),
            "setuid" => syscall(libc::SYS_setuid, 0),
            "prctl" => syscall(libc::SYS_prctl, libc::PR_SET_DUMPABLE, 1, 0, 0, 0),
            "bpf" => syscall(libc::SYS_bpf, 0, room, 48),
            "perf" => syscall(libc::SYS_perf_event_open, room, 0, -1, -1, 0),
            "userfaultfd" => syscall(libc::SYS_userfaultfd, 0),
            "keyctl" => syscall(libc::SYS_keyctl, 0, -3, 0),
            "ioctl" => syscall(libc::SYS_ioctl, 0, libc::TIOCSTI, room),
            "more_limits" => syscall(libc::SYS_prlimit64, 0, libc::RLIMIT_NOFILE, room, 0),
            "uname" => syscall(libc::SYS_uname, room),
            "reboot" => syscall(libc::SYS_reboot, 0, 0, 0),
            "other_abi" => syscall(0x4000_0000 | libc::SYS_getpid),
            "exec_memory" => mapped(libc::mmap(
                std::ptr::null_mut(),
                4_096,
                everything,
                private,
                -1,
                0,
            )),
            "exec_later" => {
                let page = libc::mmap(
                    std::ptr::null_mut(),
                    4_096,
                    libc::PROT_READ | libc::PROT_WRITE,
                    private,
                    -1,
                    0,
                );
                i64::from(libc::mprotect(
                    page,
                    4_096,
                    libc::PROT_READ | libc::PROT_EXEC,
                ))
            }
            "exec_by_key" => syscall(libc::SYS_pkey_mprotect, room, 4_096, everything, -1),
            "too_much_memory" => mapped(libc::mmap(
                std::ptr::null_mut(),
                8 << 30,
                libc::PROT_READ | libc::PROT_WRITE,
                private,
                -1,
                0,
            )),
            _ => i64::MAX,
        }
    }
}

fn mapped(page: *mut libc::c_void) -> i64 {
    if page == libc::MAP_FAILED { -1 } else { 0 }
}
