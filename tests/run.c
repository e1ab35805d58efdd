/* Runs the tests of tests/unit and tests/calls.
 *
 *	run [-l] [--oom] [WORD...]
 *
 * -l lists, WORD picks the tests whose file or name contains it. --oom runs each
 * picked test again and again, with its first allocation failing, then its
 * second, and so on until it gets through without having met the failure. Under
 * --oom a test may fail as it likes, as long as it neither crashes nor leaks.
 *
 * Prints "ok NAME" or "FAILED NAME: where: why" for each and ends with
 * "N passed, N failed". A crash or a test that hangs names its test first.
 */
#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <sys/timerfd.h>

#include <re.h>
#define DEBUG_MODULE "run"
#define DEBUG_LEVEL  4
#include <re_dbg.h>

#include "sip/libre/tmr_heap.h"
#include "tests/oom.h"
#include "tests/test.h"

enum {
	TEST_SECONDS = 60,    /* one test, or one test with one failure */
	OOM_BUDGET_MS = 1500, /* all failures of one test; OOM_MS=... */
	OOM_WAIT_MS = 60,     /* patience after the failure */
	OOM_EACH = 500,       /* so many are all tried, later ones in steps */
	LATER_MAX = 64,
};

/* The linker makes these two for a section whose name is a C name. */
extern const struct test *__start_tests[];
extern const struct test *__stop_tests[];

static struct {
	char name[128];   /* of the running test, for who reports a crash */
	char why[512];    /* it failed; empty: it did not */
	uint32_t failing; /* the allocation that fails; 0: none does */
	struct {
		void (*fn)(void *arg);
		void *arg;
	} later[LATER_MAX];
	size_t laterc;
} now;

void test_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (now.why[0])
		return; /* the innermost CHECK knows best */
	n = snprintf(now.why, sizeof(now.why), "%s:%d: ", file, line);
	if (n < 0 || (size_t)n >= sizeof(now.why))
		return;

	va_start(ap, fmt);
	(void)vsnprintf(now.why + n, sizeof(now.why) - (size_t)n, fmt, ap);
	va_end(ap);
}

void test_deref(void *ptrp)
{
	void **p = ptrp;

	*p = mem_deref(*p);
}

void test_later(void (*fn)(void *arg), void *arg)
{
	if (now.laterc == LATER_MAX) {
		fputs("test_later: more than LATER_MAX\n", stderr);
		abort();
	}

	now.later[now.laterc].fn = fn;
	now.later[now.laterc++].arg = arg;
}

static void do_later(void)
{
	while (now.laterc) {
		--now.laterc;
		now.later[now.laterc].fn(now.later[now.laterc].arg);
	}
}

struct wait {
	bool (*cond)(void *arg);
	void *arg;
	uint32_t left_ms;
	int fd;
};

static void wait_look(int flags, void *arg)
{
	struct wait *w = arg;
	uint64_t ticks = 0;

	(void)flags;
	if (read(w->fd, &ticks, sizeof(ticks)) != sizeof(ticks))
		return;

	/* what the test waits for may have been lost with the allocation */
	if (oom_met() && w->left_ms > OOM_WAIT_MS)
		w->left_ms = OOM_WAIT_MS;

	w->left_ms -= ticks < w->left_ms ? (uint32_t)ticks : w->left_ms;
	if (w->cond(w->arg) || !w->left_ms)
		re_cancel();
}

/* A timerfd, not a tmr: libre's timers may stand still under a test clock. */
int test_run_until(bool (*cond)(void *arg), void *arg, uint32_t limit_ms)
{
	const struct itimerspec each_ms = { { 0, 1000000 }, { 0, 1000000 } };
	struct wait w = { .cond = cond, .arg = arg, .left_ms = limit_ms };
	int err;

	if (cond(arg))
		return 0;

	w.fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	if (w.fd < 0)
		return errno;

	if (timerfd_settime(w.fd, 0, &each_ms, NULL)) {
		err = errno;
		goto out;
	}

	err = fd_listen(w.fd, FD_READ, wait_look, &w);
	if (err)
		goto out;

	err = re_main(NULL);
	if (!err)
		err = cond(arg) ? 0 : ETIMEDOUT;

out:
	fd_close(w.fd);
	(void)close(w.fd);
	return err;
}

/* The blocks of libre's that live now; 0 where it was built without counting. */
static size_t blocks(void)
{
	struct memstat st;

	return mem_get_stat(&st) ? 0 : st.blocks_cur;
}

static void tell_crash(void)
{
	char text[256];
	int n;

	n = snprintf(text, sizeof(text),
		     now.failing ? "FAILED %s: crashed or hung, allocation %u "
				   "failing\n" :
				   "FAILED %s: crashed or hung\n",
		     now.name, now.failing);
	if (n > 0)
		(void)!write(STDOUT_FILENO, text, (size_t)n);
}

static void on_alarm(int sig)
{
	(void)sig;
	tell_crash();
	_exit(2);
}

/* With a sanitizer its report comes first, then this. */
void __sanitizer_set_death_callback(void (*fn)(void)) __attribute__((weak));

static void on_fatal(int sig)
{
	tell_crash();
	(void)signal(sig, SIG_DFL);
	(void)raise(sig);
}

static void watch_crashes(void)
{
	(void)signal(SIGALRM, on_alarm);
	(void)signal(SIGPIPE, SIG_IGN);

	if (__sanitizer_set_death_callback) {
		__sanitizer_set_death_callback(tell_crash);
		return;
	}

	(void)signal(SIGSEGV, on_fatal);
	(void)signal(SIGBUS, on_fatal);
	(void)signal(SIGABRT, on_fatal);
}

/* "tests/unit/test_cause.c", "test_cause_busy" -> "unit/cause busy" */
static void name_test(const struct test *t)
{
	const char *file = t->file;
	const char *name = t->name;
	const char *dir = "";
	size_t len;

	if (0 == strncmp(file, "tests/unit/test_", 16)) {
		dir = "unit/";
		file += 16;
	} else if (0 == strncmp(file, "tests/calls/test_", 17)) {
		dir = "calls/";
		file += 17;
	}

	len = strcspn(file, ".");
	if (0 == strncmp(name, "test_", 5))
		name += 5;
	if (0 == strncmp(name, file, len) && name[len] == '_')
		name += len + 1;

	(void)snprintf(now.name, sizeof(now.name), "%s%.*s %s", dir, (int)len,
		       file, name);
}

/* Runs it once, whole: with what it left for later, and the count of blocks.
 * Tells whether the allocation that was to fail was asked for. */
static bool run_once(const struct test *t, uint32_t failing)
{
	const size_t before = blocks();
	bool met;

	now.why[0] = '\0';
	now.failing = failing;
	(void)alarm(TEST_SECONDS);

	oom_start(failing);
	if (t->run() && !now.why[0])
		test_fail(t->file, t->line, "returned an error");
	met = oom_stop();

	if (failing && met)
		now.why[0] = '\0'; /* it may fail as it likes */

	do_later();
	gw_tmr_test_clock_stop();
	(void)alarm(0);

	if (blocks() > before && !now.why[0])
		test_fail(t->file, t->line, "%zu blocks are left behind",
			  blocks() - before);
	return met;
}

static bool run_plain(const struct test *t)
{
	(void)run_once(t, 0);
	if (now.why[0]) {
		printf("FAILED %s: %s\n", now.name, now.why);
		return false;
	}

	printf("ok %s\n", now.name);
	return true;
}

static bool run_oom(const struct test *t)
{
	const uint64_t start = tmr_jiffies();
	const char *budget = getenv("OOM_MS");
	const uint64_t budget_ms = budget ? strtoull(budget, NULL, 10) :
					    OOM_BUDGET_MS;
	uint32_t n = 1, tried = 0;
	bool cut = false;

	while (run_once(t, n) && !now.why[0]) {
		++tried;
		n += n < OOM_EACH ? 1 : n / 50;
		cut = tmr_jiffies() - start > budget_ms;
		if (cut)
			break;
	}

	if (now.why[0]) {
		printf("FAILED oom %s: allocation %u failing: %s\n", now.name,
		       n, now.why);
		return false;
	}

	printf("ok oom %s (%s%u allocations failed, one at a time)\n", now.name,
	       cut ? "time for " : "all ", tried);
	return true;
}

static bool picked(const struct test *t, char *wordv[], int wordc)
{
	if (!wordc)
		return true;

	for (int i = 0; i < wordc; i++) {
		if (strstr(t->file, wordv[i]) || strstr(t->name, wordv[i]))
			return true;
	}

	return false;
}

static bool never(void *arg)
{
	(void)arg;
	return false;
}

static int start_libre(bool oom)
{
	int err;

	/* once, and before the first socket: its table never grows */
	err = fd_setsize(4096);
	if (err)
		return err;

	err = libre_init();
	if (err)
		return err;

	if (oom)
		oom_prepare();

	/* what libre says when it has no memory is no news */
	dbg_init(oom ? DBG_ERR : DBG_WARNING, 0);

	/* the loop makes its tables now, not in the first test that runs it */
	err = test_run_until(never, NULL, 1);
	return err == ETIMEDOUT ? 0 : err;
}

/* By file and line: the linker's order is nobody's business. */
static int by_place(const void *a, const void *b)
{
	const struct test *ta = *(const struct test *const *)a;
	const struct test *tb = *(const struct test *const *)b;
	const int files = strcmp(ta->file, tb->file);

	return files ? files : ta->line - tb->line;
}

int main(int argc, char *argv[])
{
	bool list = false, oom = false;
	unsigned passed = 0, failed = 0;
	int first = 1;
	size_t testc;

	for (; first < argc && argv[first][0] == '-'; first++) {
		list |= 0 == strcmp(argv[first], "-l");
		oom |= 0 == strcmp(argv[first], "--oom");
	}

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	watch_crashes();
	if (start_libre(oom)) {
		fputs("libre does not start\n", stderr);
		return 2;
	}

	/* to the linker it is one array */
	/* cppcheck-suppress [comparePointers,subtractPointers] */
	testc = (size_t)(__stop_tests - __start_tests);
	qsort(__start_tests, testc, sizeof(*__start_tests), by_place);

	for (size_t i = 0; i < testc; i++) {
		const struct test *t = __start_tests[i];

		if (!picked(t, argv + first, argc - first))
			continue;

		name_test(t);
		if (list)
			puts(now.name);
		else if (oom && t->no_oom)
			printf("skipped oom %s: %s\n", now.name, t->no_oom);
		else if (oom ? run_oom(t) : run_plain(t))
			++passed;
		else
			++failed;
	}

	now.name[0] = '\0';
	libre_close();
	if (!list)
		printf("%u passed, %u failed\n", passed, failed);

	return failed || (!list && !passed) ? 1 : 0;
}
