/* Results of other threads: in order, in bounded turns, none lost. */
#include <pthread.h>

#include "server/loop.h"
#include "tests/test.h"

enum { NOTES = 100, THREADS = 4 };

static struct {
	int order[NOTES];
	int count;
	int batches;
	int in_batch, longest;
} seen;

static void loop_down(void *arg)
{
	(void)arg;
	gw_loop_after_batch(NULL, NULL);
	gw_loop_close();
}

static int loop_up(void)
{
	memset(&seen, 0, sizeof(seen));
	test_later(loop_down, NULL);

	return gw_loop_init();
}

static void note_seen(void *arg)
{
	seen.order[seen.count++ % NOTES] = *(int *)arg;
	seen.in_batch++;
}

static void batch_over(void *arg)
{
	(void)arg;
	if (seen.in_batch > seen.longest)
		seen.longest = seen.in_batch;
	seen.in_batch = 0;
	seen.batches++;
}

static bool all_seen(void *arg)
{
	return seen.count >= *(int *)arg;
}

static int test_loop_notes_come_in_order_and_in_batches(void)
{
	static int numbers[NOTES];
	static struct gw_loop_note notes[NOTES];
	int want = NOTES;

	CHECK_OK(loop_up());
	gw_loop_after_batch(batch_over, NULL);
	for (int i = 0; i < NOTES; i++) {
		numbers[i] = i;
		notes[i] =
			(struct gw_loop_note){ NULL, note_seen, &numbers[i] };
		gw_loop_post_note(&notes[i]);
	}

	CHECK_OK(test_run_until(all_seen, &want, 5000));
	for (int i = 0; i < NOTES; i++)
		CHECK_INT(seen.order[i], i);
	CHECK_INT(seen.longest, 32);
	CHECK(seen.batches >= 4);

	return 0;
}
TEST(test_loop_notes_come_in_order_and_in_batches);

static void post_again(void *arg)
{
	seen.count++;
	if (seen.count < 5)
		(void)gw_loop_post(post_again, arg);
}

static int test_loop_drain_runs_what_is_posted_meanwhile(void)
{
	CHECK_OK(loop_up());
	CHECK_OK(gw_loop_post(post_again, NULL));
	gw_loop_drain();
	CHECK_INT(seen.count, 5);

	return 0;
}
TEST(test_loop_drain_runs_what_is_posted_meanwhile);

struct poster {
	pthread_t thread;
	struct gw_loop_note notes[NOTES];
	bool was_here;
};

static void count_note(void *arg)
{
	(void)arg;
	seen.count++;
}

static void *post_many(void *arg)
{
	struct poster *p = arg;

	p->was_here = gw_loop_is_here();
	for (int i = 0; i < NOTES; i++) {
		p->notes[i] = (struct gw_loop_note){ NULL, count_note, NULL };
		gw_loop_post_note(&p->notes[i]);
	}

	return NULL;
}

static int test_loop_takes_from_many_threads(void)
{
	static struct poster posters[THREADS];
	int want = THREADS * NOTES, started = 0, err = 0;

	CHECK_OK(loop_up());
	CHECK(gw_loop_is_here());
	while (!err && started < THREADS) {
		err = pthread_create(&posters[started].thread, NULL, post_many,
				     &posters[started]);
		started += !err;
	}
	if (!err)
		err = test_run_until(all_seen, &want, 5000);
	for (int i = 0; i < started; i++)
		(void)pthread_join(posters[i].thread, NULL);
	gw_loop_drain();

	CHECK_OK(err);
	CHECK_INT(seen.count, want);
	for (int i = 0; i < THREADS; i++)
		CHECK(!posters[i].was_here);

	return 0;
}
TEST(test_loop_takes_from_many_threads);

static uint64_t times_looked(void)
{
	struct gw_loop_lag lag;
	uint64_t sum = 0;

	gw_loop_lag(&lag);
	for (int i = 0; i < GW_LOOP_LAG_BUCKETS; i++)
		sum += lag.count[i];

	return sum;
}

static bool lag_was_seen(void *arg)
{
	const uint64_t *before = arg;

	return times_looked() >= *before + 3;
}

static int test_loop_watches_its_lateness(void)
{
	uint64_t before = times_looked();

	CHECK_OK(loop_up());
	CHECK_OK(test_run_until(lag_was_seen, &before, 5000));

	return 0;
}
TEST(test_loop_watches_its_lateness);

static void in_first_turn(void *arg)
{
	*(uint64_t *)arg = times_looked();
}

static bool first_turn_was(void *arg)
{
	return *(uint64_t *)arg != UINT64_MAX;
}

/* Between its making and its first turn a gateway starts, which may take a while:
 * calls that come then are not refused for it. */
static int test_loop_is_not_late_before_it_runs(void)
{
	const uint64_t before = times_looked();
	uint64_t then = UINT64_MAX;
	struct tmr tmr;

	CHECK_OK(loop_up());
	tmr_init(&tmr);
	tmr_start(&tmr, 0, in_first_turn, &then);
	CHECK_OK(test_run_until(first_turn_was, &then, 5000));
	tmr_cancel(&tmr);
	CHECK_INT(then, before);

	return 0;
}
TEST(test_loop_is_not_late_before_it_runs);
