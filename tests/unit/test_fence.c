/* What a process behind the fence may still ask of the kernel. In a child: there is
 * no way back. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <re.h>

#include "server/fence.h"
#include "tests/test.h"

static bool refuses(long result)
{
	return result == -1 && (errno == EPERM || errno == ENOSYS);
}

static void *nothing(void *arg)
{
	return arg;
}

/* What it needs: 0, or the number of what it lacks. */
static int lacks(void)
{
	struct addrinfo *found = NULL;
	pthread_t thread;
	int fd;

	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (fd < 0 || write(fd, "x", 1) != 1 || close(fd))
		return 1;
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || close(fd))
		return 2;
	if (pthread_create(&thread, NULL, nothing, NULL) ||
	    pthread_join(thread, NULL))
		return 3;
	if (getaddrinfo("localhost", NULL, NULL, &found))
		return 4;
	freeaddrinfo(found);
	if (mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
		return 5;

	return 0;
}

/* What somebody who has broken in would want: 0, or the number of what he gets. */
static int grants(void)
{
	char *const argv[] = { (char *)(uintptr_t) "true", NULL };
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (!refuses(execve("/bin/true", argv, argv)))
		return 1;
	if (!refuses(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0)))
		return 2;
	if (!refuses(ptrace(PTRACE_TRACEME, 0, NULL, NULL)))
		return 3;
	if (!refuses(socket(AF_PACKET, SOCK_RAW, 0)))
		return 4;
	if (!refuses(unshare(CLONE_NEWUSER)))
		return 5;
	if (!refuses(mprotect(page, 4096, PROT_READ | PROT_EXEC)))
		return 6;
	if (!refuses(mmap(NULL, 4096, PROT_WRITE | PROT_EXEC,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ?
			     -1 :
			     0))
		return 7;
	if (!refuses(setuid(0)) || !refuses(kill(getppid(), 0)))
		return 8;
	if (!refuses(syscall(SYS_bpf, 0, NULL, 0)))
		return 9;
	if (!refuses(ioctl(0, TIOCSTI, "x")) ||
	    !refuses(syscall(SYS_ioctl, 0, TIOCSTI | 1UL << 32, "x")))
		return 10;

	return 0;
}

/* The child's verdict: 0, 100 without seccomp, else what is wrong. */
static int behind(void)
{
	const int err = gw_fence_enter();
	int n;

	if (err)
		return 100;
	n = lacks();
	if (n)
		return n;
	n = grants();

	return n ? 20 + n : 0;
}

/* E29: own program, own threads, own sockets; no other. */
static int test_fence_holds(void)
{
	int status = 0;
	pid_t child;

#ifdef __SANITIZE_THREAD__
	(void)printf("skipped unit/fence holds: TSan knows no threads behind a "
		     "fork\n");
	return 0;
#endif
	child = fork();
	CHECK(child >= 0);
	if (!child)
		_exit(behind());
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) == 100)
		return 0; /* no seccomp on this machine */
	CHECK_INT(WEXITSTATUS(status), 0);
	return 0;
}
TEST_WITHOUT_OOM(test_fence_holds, "libseccomp's memory, in a child");
