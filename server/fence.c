/* A seccomp filter by libseccomp: a list of what is allowed.
 *
 * What isn't on it is answered with ENOSYS, as by an older kernel: the C library
 * then does without (clone3, futex_waitv, what will be invented next), and who has
 * broken in gets nothing that isn't named here. Nobody is killed: a call that a
 * resolver's module makes once a year must not end a hundred phone calls.
 *
 * Memory is writable or executable, never both; threads are made, processes are
 * not; sockets are of the four families that SIP, HTTP, DNS and journald need. */
#include "server/fence.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <seccomp.h>

#include <re_types.h>

/* By name: each kernel and machine has its own choice of them. */
static const char *const allowed[] = {
	/* files */
	"access",
	"chmod",
	"close",
	"close_range",
	"copy_file_range",
	"dup",
	"dup2",
	"dup3",
	"faccessat",
	"faccessat2",
	"fadvise64",
	"fallocate",
	"fchmod",
	"fchmodat",
	"fchown",
	"fcntl",
	"fcntl64",
	"fdatasync",
	"flock",
	"fstat",
	"fstat64",
	"fstatat64",
	"fstatfs",
	"fstatfs64",
	"fsync",
	"ftruncate",
	"ftruncate64",
	"getcwd",
	"getdents",
	"getdents64",
	"_llseek",
	"lseek",
	"lstat",
	"lstat64",
	"mkdir",
	"mkdirat",
	"newfstatat",
	"open",
	"openat",
	"openat2",
	"pread64",
	"preadv",
	"preadv2",
	"pwrite64",
	"pwritev",
	"pwritev2",
	"read",
	"readlink",
	"readlinkat",
	"readv",
	"rename",
	"renameat",
	"renameat2",
	"rmdir",
	"sendfile",
	"sendfile64",
	"stat",
	"stat64",
	"statfs",
	"statfs64",
	"statx",
	"sync_file_range",
	"truncate",
	"truncate64",
	"umask",
	"unlink",
	"unlinkat",
	"utimensat",
	"write",
	"writev",
	/* sockets and waiting */
	"accept",
	"accept4",
	"bind",
	"connect",
	"epoll_create",
	"epoll_create1",
	"epoll_ctl",
	"epoll_pwait",
	"epoll_pwait2",
	"epoll_wait",
	"eventfd",
	"eventfd2",
	"getpeername",
	"getsockname",
	"getsockopt",
	"listen",
	"pipe",
	"pipe2",
	"poll",
	"ppoll",
	"ppoll_time64",
	"pselect6",
	"pselect6_time64",
	"recv",
	"recvfrom",
	"recvmmsg",
	"recvmmsg_time64",
	"recvmsg",
	"select",
	"_newselect",
	"send",
	"sendmmsg",
	"sendmsg",
	"sendto",
	"setsockopt",
	"shutdown",
	"signalfd",
	"signalfd4",
	"socketpair",
	"timerfd_create",
	"timerfd_gettime",
	"timerfd_gettime64",
	"timerfd_settime",
	"timerfd_settime64",
	/* memory, threads, time, itself */
	"arch_prctl",
	"brk",
	"clock_getres",
	"clock_getres_time64",
	"clock_gettime",
	"clock_gettime64",
	"clock_nanosleep",
	"clock_nanosleep_time64",
	"exit",
	"exit_group",
	"futex",
	"futex_time64",
	"get_robust_list",
	"getegid",
	"geteuid",
	"getgid",
	"getgroups",
	"getpid",
	"getppid",
	"getpriority",
	"getrandom",
	"getrlimit",
	"getrusage",
	"gettid",
	"gettimeofday",
	"getuid",
	"madvise",
	"membarrier",
	"mincore",
	"mlock",
	"mremap",
	"msync",
	"munlock",
	"munmap",
	"nanosleep",
	"prctl",
	"prlimit64",
	"restart_syscall",
	"rseq",
	"rt_sigaction",
	"rt_sigpending",
	"rt_sigprocmask",
	"rt_sigqueueinfo",
	"rt_sigreturn",
	"rt_sigsuspend",
	"rt_sigtimedwait",
	"sched_getaffinity",
	"sched_getparam",
	"sched_getscheduler",
	"sched_yield",
	"set_robust_list",
	"set_tid_address",
	"setitimer",
	"setpriority",
	"sigaltstack",
	"sigreturn",
	"sysinfo",
	"tgkill",
	"time",
	"times",
	"ugetrlimit",
	"uname",
	/* of other machines */
	"cacheflush",
	"riscv_flush_icache",
	"riscv_hwprobe",
	"set_tls",
};

/* What somebody who is in would try: told apart from what is missing. */
static const char *const forbidden[] = {
	"execve",
	"execveat",
	"fork",
	"vfork",
	"kill",
	"ptrace",
	"process_vm_readv",
	"process_vm_writev",
	"bpf",
	"keyctl",
	"add_key",
	"request_key",
	"mount",
	"umount2",
	"pivot_root",
	"chroot",
	"setns",
	"unshare",
	"setuid",
	"setgid",
	"setreuid",
	"setregid",
	"setresuid",
	"setresgid",
	"setgroups",
	"init_module",
	"finit_module",
	"perf_event_open",
	"userfaultfd",
	"io_uring_setup",
};

enum {
	NEW_NAMESPACES = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS |
			 CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID |
			 CLONE_NEWNET
};

/* Allowed when the masked argument has this value. */
static const struct condition {
	const char *name;
	unsigned arg;
	enum scmp_compare op;
	scmp_datum_t a, b; /* masked: mask and value; else a is the value  */
} conditions[] = {
	{ "socket", 0, SCMP_CMP_EQ, AF_INET, 0 },
	{ "socket", 0, SCMP_CMP_EQ, AF_INET6, 0 },
	{ "socket", 0, SCMP_CMP_EQ, AF_UNIX, 0 },
	{ "socket", 0, SCMP_CMP_EQ, AF_NETLINK, 0 },
	{ "mmap", 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 },
	{ "mmap", 2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0 },
	{ "mmap2", 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 },
	{ "mmap2", 2, SCMP_CMP_MASKED_EQ, PROT_WRITE, 0 },
	{ "mprotect", 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0 },
	/* a thread shares its memory; a process wouldn't */
	{ "clone", 0, SCMP_CMP_MASKED_EQ, CLONE_THREAD | NEW_NAMESPACES,
	  CLONE_THREAD },
	/* each by itself: the kernel looks at 32 bits, the filter at 64, so that
	 * "all but" would let the others in under another name */
	{ "ioctl", 1, SCMP_CMP_EQ, FIONREAD, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, FIONBIO, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, TCGETS, 0 }, /* isatty() */
	{ "ioctl", 1, SCMP_CMP_EQ, TIOCOUTQ, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, SIOCGIFCONF, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, SIOCGIFNAME, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, SIOCGIFINDEX, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, SIOCGIFFLAGS, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, SIOCGIFADDR, 0 },
	{ "ioctl", 1, SCMP_CMP_EQ, SIOCGIFNETMASK, 0 },
};

/* Names that this machine doesn't have are left out. */
static int add(scmp_filter_ctx ctx, uint32_t action, const char *name,
	       unsigned count, const struct scmp_arg_cmp *cmp)
{
	const int nr = seccomp_syscall_resolve_name(name);

	return nr == __NR_SCMP_ERROR ?
		       0 :
		       -seccomp_rule_add_array(ctx, action, nr, count, cmp);
}

static int fill(scmp_filter_ctx ctx)
{
	int err = 0;

	for (size_t i = 0; !err && i < ARRAY_SIZE(allowed); i++)
		err = add(ctx, SCMP_ACT_ALLOW, allowed[i], 0, NULL);
	for (size_t i = 0; !err && i < ARRAY_SIZE(forbidden); i++)
		err = add(ctx, SCMP_ACT_ERRNO(EPERM), forbidden[i], 0, NULL);
	for (size_t i = 0; !err && i < ARRAY_SIZE(conditions); i++) {
		const struct condition *c = &conditions[i];
		const struct scmp_arg_cmp cmp = { c->arg, c->op, c->a, c->b };

		err = add(ctx, SCMP_ACT_ALLOW, c->name, 1, &cmp);
	}

	return err;
}

int gw_fence_enter(void)
{
	scmp_filter_ctx ctx;
	int err;

	ctx = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	if (!ctx)
		return ENOMEM;

	err = fill(ctx);
	if (!err)
		err = -seccomp_load(ctx);
	seccomp_release(ctx);

	return err;
}
