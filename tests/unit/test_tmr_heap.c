/* The timer heap: order, cancelling, and the test clock. */
#include <re.h>

#include "sip/libre/tmr_heap.h"
#include "tests/test.h"

/* libre's: the calling thread's heap. */
struct list *tmrl_get(void);

enum { MANY = 2000 };

struct ring {
	struct tmr tmr;
	uint64_t after_ms;
	unsigned index;
	bool cancelled;
};

static struct {
	struct ring v[MANY];
	unsigned firedv[MANY];
	unsigned fired;
} bells;

static void on_ring(void *arg)
{
	const struct ring *ring = arg;

	if (bells.fired < MANY)
		bells.firedv[bells.fired] = ring->index;
	++bells.fired;
}

static void cancel_all(void *arg)
{
	(void)arg;
	for (unsigned i = 0; i < MANY; i++)
		tmr_cancel(&bells.v[i].tmr);
}

static void start(unsigned i, uint64_t after_ms)
{
	bells.v[i].index = i;
	bells.v[i].after_ms = after_ms;
	tmr_start(&bells.v[i].tmr, after_ms, on_ring, &bells.v[i]);
}

static void set_up(void)
{
	memset(&bells, 0, sizeof(bells));
	gw_tmr_test_clock_start();
	test_later(cancel_all, NULL);
}

static int test_tmr_heap_fires_equal_times_in_order_of_start(void)
{
	set_up();
	for (unsigned i = 0; i < 100; i++)
		start(i, 32000);

	CHECK_OK(gw_tmr_test_advance(31999));
	CHECK_INT(bells.fired, 0);
	CHECK_OK(gw_tmr_test_advance(1));
	CHECK_INT(bells.fired, 100);
	for (unsigned i = 0; i < 100; i++)
		CHECK_INT(bells.firedv[i], i);
	return 0;
}
TEST(test_tmr_heap_fires_equal_times_in_order_of_start);

/* A plain generator: the same numbers in each run. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Against a model: sorted by time, then by start; the cancelled ones never. */
static int test_tmr_heap_agrees_with_a_sorted_list(void)
{
	uint32_t seed = 20261122;
	unsigned left = MANY, last = 0;

	set_up();
	for (unsigned i = 0; i < MANY; i++)
		start(i, next_random(&seed) % 40);

	for (unsigned i = 0; i < MANY / 2; i++) {
		struct ring *ring = &bells.v[next_random(&seed) % MANY];

		tmr_cancel(&ring->tmr);
		left -= !ring->cancelled;
		ring->cancelled = true;
	}

	CHECK_OK(gw_tmr_test_advance(40));
	CHECK_INT(bells.fired, left);
	for (unsigned i = 0; i < left; i++) {
		const struct ring *a = &bells.v[bells.firedv[last]];
		const struct ring *b = &bells.v[bells.firedv[i]];

		CHECK(!b->cancelled);
		CHECK(a->after_ms < b->after_ms ||
		      (a->after_ms == b->after_ms && a->index <= b->index));
		last = i;
	}
	return 0;
}
TEST(test_tmr_heap_agrees_with_a_sorted_list);

static int test_tmr_heap_start_again_moves_a_timer(void)
{
	set_up();
	start(0, 1000);
	start(1, 500);
	CHECK_OK(gw_tmr_test_advance(400));
	start(1, 5000);
	CHECK_INT(tmr_get_expire(&bells.v[0].tmr), 600);
	CHECK_INT(tmr_get_expire(&bells.v[1].tmr), 5000);

	CHECK_OK(gw_tmr_test_advance(4999));
	CHECK_INT(bells.fired, 1);
	CHECK_INT(bells.firedv[0], 0);
	CHECK(!tmr_isrunning(&bells.v[0].tmr));
	CHECK(tmr_isrunning(&bells.v[1].tmr));

	CHECK_OK(gw_tmr_test_advance(1));
	CHECK_INT(bells.fired, 2);
	CHECK_INT(tmr_get_expire(&bells.v[1].tmr), 0);
	return 0;
}
TEST(test_tmr_heap_start_again_moves_a_timer);

static void ring_twice_more(void *arg)
{
	on_ring(arg);
	if (bells.fired < 3)
		tmr_start(&bells.v[0].tmr, 250, ring_twice_more, arg);
}

/* A chain inside one advance: each timer starts where the last one fired. */
static int test_tmr_heap_handler_starts_the_next(void)
{
	const uint64_t begin = (gw_tmr_test_clock_start(), tmr_jiffies());

	set_up();
	tmr_start(&bells.v[0].tmr, 250, ring_twice_more, &bells.v[0]);
	CHECK_OK(gw_tmr_test_advance(749));
	CHECK_INT(bells.fired, 2);
	CHECK_OK(gw_tmr_test_advance(1));
	CHECK_INT(bells.fired, 3);
	CHECK_INT(tmr_jiffies() - begin, 750);
	return 0;
}
TEST(test_tmr_heap_handler_starts_the_next);

static void ring_for_ever(void *arg)
{
	on_ring(arg);
	tmr_start(&bells.v[0].tmr, 0, ring_for_ever, arg);
}

/* A timer that is always due again must leave the sockets their turn. */
static int test_tmr_heap_poll_comes_back(void)
{
	set_up();
	tmr_start(&bells.v[0].tmr, 0, ring_for_ever, &bells.v[0]);
	tmr_poll(tmrl_get());
	CHECK(bells.fired >= 1);
	CHECK(bells.fired < 100);
	CHECK(tmr_isrunning(&bells.v[0].tmr));
	CHECK_INT(tmr_next_timeout(tmrl_get()), 1);
	return 0;
}
TEST(test_tmr_heap_poll_comes_back);

static bool has_rung(void *arg)
{
	(void)arg;
	return bells.fired > 0;
}

/* On the real clock: not early, and the test clock's stop keeps what was left. */
static int test_tmr_heap_stopped_test_clock_keeps_the_rest(void)
{
	uint64_t begin;

	set_up();
	start(0, 60020);
	start(1, 90000);
	CHECK_OK(gw_tmr_test_advance(60000));
	gw_tmr_test_clock_stop();

	begin = tmr_jiffies();
	CHECK_OK(test_run_until(has_rung, NULL, 5000));
	CHECK(tmr_jiffies() - begin >= 19);
	CHECK_INT(bells.fired, 1);
	CHECK(tmr_get_expire(&bells.v[1].tmr) > 24000);
	CHECK(tmr_get_expire(&bells.v[1].tmr) <= 30000);
	return 0;
}
TEST(test_tmr_heap_stopped_test_clock_keeps_the_rest);

static int test_tmr_heap_takes_a_delay_beyond_its_range(void)
{
	set_up();
	start(0, UINT64_MAX);
	start(1, 10);
	CHECK_OK(gw_tmr_test_advance(UINT32_MAX));
	CHECK_INT(bells.fired, 1);
	CHECK_INT(bells.firedv[0], 1);
	CHECK(tmr_get_expire(&bells.v[0].tmr) > UINT32_MAX);
	return 0;
}
TEST(test_tmr_heap_takes_a_delay_beyond_its_range);
