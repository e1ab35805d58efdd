/* Timers in a heap, in place of libre's tmr.o.
 *
 * libre keeps its timers in one sorted list and searches it at every start. A SIP
 * gateway has three to five timers a call that wait 32 seconds after it, so the
 * search is what it would mostly do. And the list goes by the wall clock: a step
 * of NTP freezes all timers or fires them at once. Here a start costs a
 * comparison, an end log n, and the clock is the monotonic one.
 *
 * The interface is libre's re_tmr.h, every symbol of it, so that the linker never
 * takes the stock member (.ci/link-check.sh looks whether that is still so).
 *
 * The heap is a pairing heap threaded through the list element that each timer
 * has anyway, so a start can't fail for want of memory:
 *
 *	le.data	 the first of its children
 *	le.next	 its next sibling
 *	le.prev	 its previous sibling; of a first child, its parent
 *
 *	head -> [5]			pop [5]: its children are joined in
 *		 |data			pairs from the left, then the pairs
 *		[7] -> [6] -> [9]	from the right, into one new root
 *		 |data
 *		[8]
 *
 * jfs holds the millisecond a timer is due and, below it, the order in which the
 * timers were started: equal times fire first come, first served. Both the heap
 * and the order belong to the thread, like libre's loop.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <re.h>

#include "sip/libre/tmr_heap.h"

enum {
	ORDER_BITS = 24,
	/* Handlers may start timers that are due at once, and these still run
	 * in the same turn; one that always does so must not stop the sockets. */
	ROUNDS_MAX = 8,
	/* Under the test clock: so many turns of 1 ms in which no socket had
	 * anything to say, and nothing was on its way over loopback, make a
	 * quiet moment. */
	QUIET_TURNS = 3,
};

#define ORDER_MASK ((UINT64_C(1) << ORDER_BITS) - 1)
#define DUE_MAX    (UINT64_MAX >> ORDER_BITS)

/* libre's: the head of the calling thread's timers. */
struct list *tmrl_get(void);

static _Thread_local uint64_t started; /* timers so far: the order */

static _Thread_local struct {
	bool on;
	bool advancing;
	uint64_t now_ms;
	uint64_t until_ms;
	uint64_t slept_us; /* real time when the loop went to the sockets */
	unsigned quiet;
	int probe; /* a socket that sends to itself, or -1 */
	bool probing;
	uint64_t probed;
} test_clock;

static uint64_t real_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t tmr_jiffies_usec(void)
{
	return test_clock.on ? test_clock.now_ms * 1000 : real_us();
}

uint64_t tmr_jiffies(void)
{
	return tmr_jiffies_usec() / 1000;
}

/* ---------------------------------------------------------------- the heap */

static struct tmr *timer(struct le *le)
{
	return (struct tmr *)(void *)le; /* le is its first member */
}

static uint64_t due_ms(const struct tmr *tmr)
{
	return tmr->jfs >> ORDER_BITS;
}

/* The order counts modulo 2^24: right as long as two timers for the same
 * millisecond weren't started more than eight million starts apart. */
static bool goes_before(const struct le *a, const struct le *b)
{
	const struct tmr *ta = (const void *)a;
	const struct tmr *tb = (const void *)b;

	if (due_ms(ta) != due_ms(tb))
		return due_ms(ta) < due_ms(tb);

	return ((ta->jfs - tb->jfs) & ORDER_MASK) > ORDER_MASK / 2;
}

/* Joins two heaps, either of which may be empty. */
static struct le *join(struct le *a, struct le *b)
{
	struct le *child;

	if (!a || !b)
		return a ? a : b;

	if (goes_before(b, a)) {
		struct le *tmp = a;

		a = b;
		b = tmp;
	}

	child = a->data;
	b->prev = a;
	b->next = child;
	if (child)
		child->prev = b;
	a->data = b;
	return a;
}

/* Makes one heap of a row of siblings: pairs from the left, which go on a stack
 * linked by next, then one after the other from its top. */
static struct le *join_siblings(struct le *first)
{
	struct le *stack = NULL, *root = NULL;

	while (first) {
		struct le *a = first, *b = a->next;

		first = b ? b->next : NULL;
		a->next = a->prev = NULL;
		if (b)
			b->next = b->prev = NULL;

		a = join(a, b);
		a->next = stack;
		stack = a;
	}

	while (stack) {
		struct le *next = stack->next;

		stack->next = NULL;
		root = join(root, stack);
		stack = next;
	}

	return root;
}

static void take_out(struct list *heap, struct le *le)
{
	struct le *rest = join_siblings(le->data);

	if (heap->head == le) {
		heap->head = rest;
	} else {
		if (le->prev->data == le)
			le->prev->data = le->next;
		else
			le->prev->next = le->next;
		if (le->next)
			le->next->prev = le->prev;

		heap->head = join(heap->head, rest);
	}

	memset(le, 0, sizeof(*le));
}

/* The next one in a walk over all, parents first. */
static struct le *walk(const struct le *le)
{
	if (le->data)
		return le->data;

	while (!le->next) {
		while (le->prev && le->prev->data != le)
			le = le->prev;
		if (!le->prev)
			return NULL;
		le = le->prev;
	}

	return le->next;
}

/* ---------------------------------------------------------------- timers */

void tmr_init(struct tmr *tmr)
{
	if (tmr)
		memset(tmr, 0, sizeof(*tmr));
}

void tmr_cancel(struct tmr *tmr)
{
	tmr_start(tmr, 0, NULL, NULL);
}

void tmr_start(struct tmr *tmr, uint64_t delay, tmr_h *th, void *arg)
{
	struct list *heap = tmrl_get();
	const uint64_t now = tmr_jiffies();

	if (!tmr)
		return;

	if (tmr->th)
		take_out(heap, &tmr->le);

	tmr->th = th;
	tmr->arg = arg;
	if (!th)
		return;

	if (delay > DUE_MAX - now)
		delay = DUE_MAX - now;

	tmr->jfs = (now + delay) << ORDER_BITS | (started++ & ORDER_MASK);
	memset(&tmr->le, 0, sizeof(tmr->le));
	heap->head = join(heap->head, &tmr->le);
}

uint64_t tmr_get_expire(const struct tmr *tmr)
{
	const uint64_t now = tmr_jiffies();

	if (!tmr || !tmr->th || due_ms(tmr) <= now)
		return 0;

	return due_ms(tmr) - now;
}

/* ---------------------------------------------------------------- the loop's */

static void test_clock_turn(struct list *heap);
static void probe_send(void);

/* How long the loop may wait for its sockets: 0 is for ever, so what is due
 * already is 1. */
uint64_t tmr_next_timeout(struct list *heap)
{
	const uint64_t now = tmr_jiffies();
	uint64_t due;

	if (test_clock.advancing) {
		probe_send();
		test_clock.slept_us = real_us();
		return 1;
	}

	if (!heap->head)
		return 0;

	due = due_ms(timer(heap->head));
	if (due <= now)
		return 1;

	/* the loop makes an int of it */
	return due - now < INT_MAX ? due - now : INT_MAX;
}

/* Fires what was due when the round began; tells whether there was any. */
static bool fire_round(struct list *heap)
{
	const uint64_t now = tmr_jiffies();
	const uint64_t end = started;
	bool any = false;

	while (heap->head) {
		struct tmr *tmr = timer(heap->head);
		tmr_h *th = tmr->th;
		void *arg = tmr->arg;

		if (due_ms(tmr) > now)
			break;
		/* started in this round: the next one's */
		if (((end - 1 - tmr->jfs) & ORDER_MASK) > ORDER_MASK / 2)
			break;

		take_out(heap, &tmr->le);
		tmr->th = NULL;
		any = true;
		th(arg); /* tmr may be gone after it */
	}

	return any;
}

void tmr_poll(struct list *heap)
{
	if (test_clock.advancing)
		test_clock_turn(heap);

	for (int i = 0; i < ROUNDS_MAX && fire_round(heap); i++)
		;
}

/* ---------------------------------------------------------------- test clock */

/* A datagram to oneself waits in loopback's queue behind all that was sent before
 * it: nothing is on its way any more when it is there. On a busy machine that may
 * take longer than a millisecond. */
static int probe_open(void)
{
	struct sockaddr_in self = { .sin_family = AF_INET,
				    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr *at = (struct sockaddr *)&self;
	socklen_t len = sizeof(self);
	const int fd =
		socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -1;
	if (bind(fd, at, len) || getsockname(fd, at, &len) ||
	    connect(fd, at, len)) {
		(void)close(fd);
		return -1;
	}

	return fd;
}

static void probe_send(void)
{
	const uint64_t n = ++test_clock.probed;

	test_clock.probing = send(test_clock.probe, &n, sizeof(n), 0) > 0;
}

/* Without a loopback there is nothing to wait for. */
static bool probe_is_back(void)
{
	uint64_t n = 0;

	while (recv(test_clock.probe, &n, sizeof(n), 0) > 0)
		;
	return !test_clock.probing || n == test_clock.probed;
}

void gw_tmr_test_clock_start(void)
{
	if (test_clock.on)
		return;

	test_clock.now_ms = real_us() / 1000;
	test_clock.probe = probe_open();
	test_clock.on = true;
}

void gw_tmr_test_clock_stop(void)
{
	const struct list *heap = tmrl_get();
	uint64_t shift;

	if (!test_clock.on)
		return;

	/* modulo 2^64, as the real clock may well be behind; all by the same,
	 * so their order stays */
	shift = (real_us() / 1000 - test_clock.now_ms) << ORDER_BITS;
	for (struct le *le = heap->head; le; le = walk(le))
		timer(le)->jfs += shift;

	if (test_clock.probe >= 0)
		(void)close(test_clock.probe);
	memset(&test_clock, 0, sizeof(test_clock));
}

/* After the sockets had their say. A loop that came back from them before its
 * millisecond was over had been woken by one. */
static void test_clock_turn(struct list *heap)
{
	const bool due_now = heap->head &&
			     due_ms(timer(heap->head)) <= test_clock.now_ms;

	if (!probe_is_back() || due_now ||
	    real_us() - test_clock.slept_us < 1000)
		test_clock.quiet = 0;
	else
		++test_clock.quiet;

	if (test_clock.quiet < QUIET_TURNS)
		return;

	test_clock.quiet = 0;
	if (heap->head && due_ms(timer(heap->head)) <= test_clock.until_ms) {
		test_clock.now_ms = due_ms(timer(heap->head));
		return;
	}

	test_clock.now_ms = test_clock.until_ms;
	re_cancel();
}

int gw_tmr_test_advance(uint32_t ms)
{
	int err;

	if (!test_clock.on)
		return EINVAL;
	if (test_clock.advancing)
		return EALREADY;

	test_clock.until_ms = test_clock.now_ms + ms;
	test_clock.quiet = 0;
	test_clock.advancing = true;
	err = re_main(NULL);
	test_clock.advancing = false;
	return err;
}

/* ---------------------------------------------------------------- for people */

int tmr_status(struct re_printf *pf, void *unused)
{
	const struct list *heap = tmrl_get();
	uint32_t count = 0;
	int err;

	(void)unused;
	for (const struct le *le = heap->head; le; le = walk(le))
		++count;

	err = re_hprintf(pf, "Timers (%u):\n", count);
	for (struct le *le = heap->head; le; le = walk(le)) {
		const struct tmr *tmr = timer(le);

		err |= re_hprintf(pf, "  %p: th=%p expire=%llums\n", tmr,
				  tmr->th,
				  (unsigned long long)tmr_get_expire(tmr));
	}

	return err;
}

void tmr_debug(void)
{
	if (tmrl_get()->head)
		(void)re_fprintf(stderr, "%H", tmr_status, NULL);
}
