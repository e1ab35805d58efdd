/* The one event loop: libre's, with two ways in from outside.
 *
 *   other threads --- gw_loop_post() --> locked list --- pipe ---> a batch of
 *                                                                32 a turn
 *   signals --------- signalfd -----------------------------> one handler
 *
 * Only the first note of an empty list writes to the pipe, so that a burst of
 * completions costs one wake-up and the pipe is never full. What is left over
 * after 32 goes on in the next turn, behind the sockets that are ready by then:
 * a stalled disk that returns must not send hundreds of INVITEs in one go. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <re.h>

#include "server/loop.h"

enum {
	BATCH_MAX = 32,
	FDS_RESERVE = 32,
	FDS_MAX = 1 << 15, /* libre's table is touched memory: 44 bytes an fd */
	LAG_PROBE_MS = 5,
	LAG_WINDOW_MS = 1000,
};

const uint32_t gw_loop_lag_bounds_ms[GW_LOOP_LAG_BUCKETS - 1] = {
	1, 2, 5, 10, 20, 50, 100, 200, 500,
};

/* gw_loop_post()'s own note. */
struct posted {
	struct gw_loop_note note;
	void (*fn)(void *arg);
	void *arg;
};

static struct {
	pthread_t thread;
	bool up;
	uint32_t fds;

	pthread_mutex_t lock; /* of head, tail */
	struct gw_loop_note *head, **tail;
	struct mqueue *wake;

	void (*batchh)(void *arg);
	void *batch_arg;

	int sigfd;
	gw_loop_signal_h *sigh;
	void *sig_arg;

	struct tmr probe;
	uint64_t probe_due;
	uint64_t window_end;
	uint32_t window_max_ms; /* of the window that runs */
	struct gw_loop_lag lag;
} loop = {
	.lock = PTHREAD_MUTEX_INITIALIZER,
	.sigfd = -1,
};

static struct gw_loop_note *take_one(void)
{
	struct gw_loop_note *note;

	pthread_mutex_lock(&loop.lock);
	note = loop.head;
	if (note)
		loop.head = note->next;
	if (!loop.head)
		loop.tail = &loop.head;
	pthread_mutex_unlock(&loop.lock);

	return note;
}

/* Runs up to max notes. Returns whether some may be left. */
static bool run_notes(unsigned max)
{
	for (unsigned i = 0; i < max; i++) {
		struct gw_loop_note *note = take_one();

		if (!note)
			return false;

		/* fn may free the note: it is not touched afterwards */
		note->fn(note->arg);
	}

	return true;
}

static void batch(int id, void *data, void *arg)
{
	bool more;

	(void)id;
	(void)data;
	(void)arg;

	more = run_notes(BATCH_MAX);

	if (loop.batchh)
		loop.batchh(loop.batch_arg);

	if (more)
		(void)mqueue_push(loop.wake, 0, NULL);
}

void gw_loop_post_note(struct gw_loop_note *note)
{
	bool first;

	note->next = NULL;

	pthread_mutex_lock(&loop.lock);
	first = !loop.head;
	*loop.tail = note;
	loop.tail = &note->next;
	pthread_mutex_unlock(&loop.lock);

	if (first)
		(void)mqueue_push(loop.wake, 0, NULL);
}

static void run_posted(void *arg)
{
	struct posted *p = arg;
	void (*fn)(void *arg) = p->fn;
	void *fn_arg = p->arg;

	free(p);
	fn(fn_arg);
}

int gw_loop_post(void (*fn)(void *arg), void *arg)
{
	struct posted *p;

	/* not mem_alloc(): it crosses threads, and libre counts per process */
	p = malloc(sizeof(*p));
	if (!p)
		return ENOMEM;

	p->fn = fn;
	p->arg = arg;
	p->note.fn = run_posted;
	p->note.arg = p;
	gw_loop_post_note(&p->note);

	return 0;
}

void gw_loop_drain(void)
{
	while (run_notes(BATCH_MAX))
		;

	if (loop.batchh)
		loop.batchh(loop.batch_arg);
}

void gw_loop_after_batch(void (*h)(void *arg), void *arg)
{
	loop.batchh = h;
	loop.batch_arg = arg;
}

bool gw_loop_is_here(void)
{
	return loop.up && pthread_equal(loop.thread, pthread_self());
}

static void count_lag(uint64_t now, uint64_t late)
{
	size_t i = 0;

	while (i < GW_LOOP_LAG_BUCKETS - 1 && late > gw_loop_lag_bounds_ms[i])
		i++;

	loop.lag.count[i]++;
	loop.lag.sum_ms += late;

	if (now >= loop.window_end) {
		loop.lag.recent_max_ms = loop.window_max_ms;
		loop.window_max_ms = 0;
		loop.window_end = now + LAG_WINDOW_MS;
	}
	if (late > loop.window_max_ms)
		loop.window_max_ms = (uint32_t)late;
	if (loop.window_max_ms > loop.lag.recent_max_ms)
		loop.lag.recent_max_ms = loop.window_max_ms;
}

static void probe(void *arg)
{
	const uint64_t now = tmr_jiffies();

	(void)arg;

	/* the first turn isn't late: what was before it is the start */
	if (loop.probe_due)
		count_lag(now, now > loop.probe_due ? now - loop.probe_due : 0);

	loop.probe_due = now + LAG_PROBE_MS;
	tmr_start(&loop.probe, LAG_PROBE_MS, probe, NULL);
}

void gw_loop_lag(struct gw_loop_lag *lag)
{
	*lag = loop.lag;
}

/* The kernel's hard limit is what the operator grants; the soft one is for
 * programs that still use select(). */
static uint32_t raise_fds(void)
{
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl))
		return 1024;

	if (rl.rlim_cur < rl.rlim_max) {
		rl.rlim_cur = rl.rlim_max < FDS_MAX ? rl.rlim_max : FDS_MAX;
		(void)setrlimit(RLIMIT_NOFILE, &rl);
		(void)getrlimit(RLIMIT_NOFILE, &rl);
	}

	return rl.rlim_cur < FDS_MAX ? (uint32_t)rl.rlim_cur : FDS_MAX;
}

uint32_t gw_loop_fds(void)
{
	return loop.fds;
}

/* The kernel gives the lowest number that is free: when it is a high one, nearly
 * all below it are in use. */
bool gw_loop_has_fds(void)
{
	const int fd = dup(loop.sigfd);

	if (fd < 0)
		return loop.sigfd < 0; /* not up: nobody to protect */
	(void)close(fd);

	return (uint32_t)fd + FDS_RESERVE < loop.fds;
}

int gw_loop_init(void)
{
	int err;

	loop.thread = pthread_self();
	loop.fds = raise_fds();
	loop.head = NULL;
	loop.tail = &loop.head;

	err = fd_setsize((int)loop.fds);
	if (err)
		return err;

	err = mqueue_alloc(&loop.wake, batch, NULL);
	if (err)
		return err;

	loop.up = true;
	loop.probe_due = 0;
	tmr_init(&loop.probe);
	tmr_start(&loop.probe, 0, probe, NULL);

	return 0;
}

void gw_loop_close(void)
{
	if (!loop.up)
		return;

	gw_loop_drain();
	gw_loop_after_batch(NULL, NULL);
	tmr_cancel(&loop.probe);

	if (loop.sigfd >= 0) {
		fd_close(loop.sigfd);
		(void)close(loop.sigfd);
		loop.sigfd = -1;
	}

	loop.wake = mem_deref(loop.wake);
	loop.up = false;
}

static void on_signal(int flags, void *arg)
{
	struct signalfd_siginfo si;

	(void)flags;
	(void)arg;

	while (read(loop.sigfd, &si, sizeof(si)) == (ssize_t)sizeof(si))
		loop.sigh((int)si.ssi_signo, loop.sig_arg);
}

int gw_loop_signals(gw_loop_signal_h *h, void *arg)
{
	sigset_t set;
	int err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);

	err = pthread_sigmask(SIG_BLOCK, &set, NULL);
	if (err)
		return err;

	(void)signal(SIGPIPE, SIG_IGN);

	loop.sigfd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (loop.sigfd < 0)
		return errno;

	loop.sigh = h;
	loop.sig_arg = arg;

	return fd_listen(loop.sigfd, FD_READ, on_signal, NULL);
}

int gw_loop_run(void)
{
	/* no signal handler for libre: it would take SIGINT from signalfd */
	return re_main(NULL);
}

void gw_loop_stop(void)
{
	re_cancel();
}
