/* What the world does to a process: loaded before the C library (LD_PRELOAD) by
 * the stories that let the wall clock jump or the disk refuse to be written.
 *
 * $STANDING_CONTROL names a file of a few bytes, mapped by the test's process and by
 * us: what stands in it counts at once. Sockets and pipes are written as ever. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

struct control {
	int64_t offset_s;    /* of the wall clock                       */
	int64_t write_errno; /* of a regular file or its truncation, 0: none */
	int64_t delay_us;    /* of each fsync                           */
};

static volatile const struct control *control(void)
{
	static const struct control nothing;
	static volatile const struct control *mapped;
	const char *path;
	void *p;
	int fd;

	if (mapped)
		return mapped;
	path = getenv("STANDING_CONTROL");
	fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	p = fd < 0 ? MAP_FAILED :
		     mmap(NULL, sizeof(nothing), PROT_READ, MAP_SHARED, fd, 0);
	if (fd >= 0)
		(void)close(fd);
	mapped = p == MAP_FAILED ? &nothing : p;
	return mapped;
}

#define REAL(name) (__typeof__(&name))dlsym(RTLD_NEXT, #name)

static int is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static int refused(int fd)
{
	const int64_t wrong = control()->write_errno;

	/* the log is a file, too, and somebody else's */
	if (!wrong || fd <= STDERR_FILENO || !is_file(fd))
		return 0;
	errno = (int)wrong;
	return 1;
}

int clock_gettime(clockid_t id, struct timespec *ts)
{
	static __typeof__(&clock_gettime) real;
	int err;

	if (!real)
		real = REAL(clock_gettime);
	err = real(id, ts);
	if (!err && (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE))
		ts->tv_sec += control()->offset_s;
	return err;
}

int gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;
	const int err = clock_gettime(CLOCK_REALTIME, &ts);

	(void)zone;
	if (!err) {
		tv->tv_sec = ts.tv_sec;
		tv->tv_usec = ts.tv_nsec / 1000;
	}
	return err;
}

time_t time(time_t *tp)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (tp)
		*tp = ts.tv_sec;
	return ts.tv_sec;
}

ssize_t write(int fd, const void *buf, size_t len)
{
	static __typeof__(&write) real;

	if (!real)
		real = REAL(write);
	return refused(fd) ? -1 : real(fd, buf, len);
}

ssize_t pwrite64(int fd, const void *buf, size_t len, off64_t at)
{
	static __typeof__(&pwrite64) real;

	if (!real)
		real = REAL(pwrite64);
	return refused(fd) ? -1 : real(fd, buf, len, at);
}

int ftruncate64(int fd, off64_t len)
{
	static __typeof__(&ftruncate64) real;

	if (!real)
		real = REAL(ftruncate64);
	return refused(fd) ? -1 : real(fd, len);
}

int fdatasync(int fd)
{
	static __typeof__(&fdatasync) real;

	if (!real)
		real = REAL(fdatasync);
	if (control()->delay_us)
		(void)usleep((useconds_t)control()->delay_us);
	return refused(fd) ? -1 : real(fd);
}

int fsync(int fd)
{
	static __typeof__(&fsync) real;

	if (!real)
		real = REAL(fsync);
	return refused(fd) ? -1 : real(fd);
}
