/* Joined ports that are recorded: who speaks on which side of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <re.h>

#include "tests/test.h"
#include "tests/unit/media_pair.h"

enum { PAIRS_MAX = 16000 * 8 };

static struct tape {
	int16_t left[PAIRS_MAX], right[PAIRS_MAX];
	size_t pairs;
	uint32_t rate;
	unsigned lasts;
	unsigned stats_after; /* STATS that came after the last piece */
} tape;

static void on_fact(const struct gw_media_fact *fact, void *arg)
{
	side_fact(fact, arg);
	if (fact->type == GW_MEDIA_STATS)
		tape.stats_after += tape.lasts;
	if (fact->type != GW_MEDIA_RECORDED)
		return;

	for (size_t i = 0; i < fact->recorded.pairs && tape.pairs < PAIRS_MAX;
	     i++, tape.pairs++) {
		tape.left[tape.pairs] = fact->recorded.samples[2 * i];
		tape.right[tape.pairs] = fact->recorded.samples[2 * i + 1];
	}
	tape.rate = fact->recorded.rate;
	tape.lasts += fact->recorded.last;
}

/* The port of pair's a, again, with a handler that keeps the pieces. */
static int open_taped(struct pair *pair, const char *a, const char *b)
{
	const struct sa laddr = media_loopback(0);

	memset(&tape, 0, sizeof(tape));
	if (pair_open(pair, a, b))
		return 1;
	side_close(&pair->a.side);
	memset(&pair->a.side, 0, sizeof(pair->a.side));
	CHECK_OK(gw_media_open(&pair->a.side.port, media_world.media, &laddr,
			       on_fact, &pair->a.side));
	CHECK_OK(side_wait(&pair->a.side, GW_MEDIA_OPENED, 1));
	CHECK_OK(pair_remote(&pair->a, GW_MEDIA_SENDRECV));
	CHECK_OK(gw_media_join(pair->a.side.port, pair->b.side.port));
	CHECK_OK(gw_media_record(pair->a.side.port, pair->b.side.port, true));
	CHECK_OK(side_stats(&pair->a.side)); /* it has begun */
	return 0;
}

static bool has_last(void *arg)
{
	(void)arg;
	return tape.lasts > 0;
}

/* Where sound begins; or where it ends. */
static size_t first_loud(const int16_t *pcm)
{
	size_t i = 0;

	while (i < tape.pairs && abs(pcm[i]) < 1000)
		i++;
	return i;
}

static double share_of(const int16_t *pcm, double hz)
{
	const size_t begin = first_loud(pcm) + tape.rate / 20;

	if (begin + tape.rate / 2 > tape.pairs)
		return -1;

	return media_share_at(pcm + begin, tape.rate / 2, tape.rate, hz);
}

static int record_two(const char *a, const char *b, uint32_t rate)
{
	static struct pair pair;

	if (open_taped(&pair, a, b))
		return 1;
	CHECK_OK(pair_sings(&pair.a, 40, (double[]){ 400 }, 1, 8000));
	CHECK_OK(pair_sings(&pair.b, 40, (double[]){ 1000 }, 1, 8000));
	CHECK_OK(side_wait_received(&pair.a.side, 40));
	CHECK_OK(side_wait_received(&pair.b.side, 40));
	CHECK_OK(gw_media_record(pair.a.side.port, NULL, false));
	CHECK_OK(test_run_until(has_last, NULL, 5000));

	CHECK_INT(tape.rate, rate);
	CHECK(share_of(tape.left, 400) > 0.85);
	CHECK(share_of(tape.right, 1000) > 0.85);
	CHECK_INT(tape.lasts, 1);
	CHECK_INT(pair.b.side.facts[GW_MEDIA_RECORDED], 0);
	pair_close(&pair);
	return 0;
}

static int test_media_record_each_on_his_side(void)
{
	if (media_world_start())
		return 1;

	return record_two("PCMA", "PCMA", 8000) || /* relayed */
	       record_two("PCMU", "GSM", 8000) ||
	       record_two("G722", "PCMA", 16000) ||
	       record_two("opus", "opus", 16000);
}
TEST_WITHOUT_OOM(test_media_record_each_on_his_side, "waits for a thread");

/* Muted is silence, and what is played to them isn't recorded; it is told in
 * pieces, and the last one when the port is closed, before STATS. */
static int test_media_record_muted_played_closed(void)
{
	static struct pair pair;
	OWNED struct gw_sound *sound = media_sine(8000, 5000);

	CHECK(sound != NULL);
	if (media_world_start() || open_taped(&pair, "PCMA", "PCMU"))
		return 1;

	CHECK_OK(gw_media_play(pair.a.side.port, sound));
	CHECK_OK(gw_media_tone(pair.b.side.port, GW_TONE_RINGBACK, "de"));
	CHECK_OK(gw_media_mute(pair.b.side.port, true));
	CHECK_OK(side_stats(&pair.b.side));
	CHECK_OK(pair_sings(&pair.a, 40, (double[]){ 700 }, 1, 8000));
	CHECK_OK(pair_sings(&pair.b, 40, (double[]){ 1000 }, 1, 8000));
	CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_RECORDED, 1));
	CHECK_INT(tape.lasts, 0);
	CHECK_OK(gw_media_close(pair.a.side.port));
	CHECK_OK(test_run_until(has_last, NULL, 5000));
	CHECK_OK(side_wait(&pair.a.side, GW_MEDIA_STATS, 2));
	CHECK_INT(tape.stats_after, 1);

	CHECK(share_of(tape.left, 700) > 0.9);
	CHECK_INT(first_loud(tape.right), tape.pairs);
	media_world_stop(NULL);
	return 0;
}
TEST_WITHOUT_OOM(test_media_record_muted_played_closed, "waits for a thread");

/* The right side closes, and another one takes its place. */
static int test_media_record_another_right(void)
{
	static struct pair pair, other;

	if (media_world_start() || pair_open(&other, "PCMA", "PCMA") ||
	    open_taped(&pair, "PCMA", "PCMA"))
		return 1;

	CHECK_OK(pair_sings(&pair.b, 2, (double[]){ 1000 }, 1, 8000));
	CHECK_OK(side_wait_received(&pair.b.side, 2));
	CHECK_OK(gw_media_close(pair.b.side.port));
	CHECK_ERR(gw_media_record(pair.a.side.port, pair.b.side.port, true),
		  ESHUTDOWN);
	CHECK_OK(gw_media_record(pair.a.side.port, other.b.side.port, true));
	CHECK_OK(gw_media_join(pair.a.side.port, other.b.side.port));
	CHECK_OK(side_stats(&other.b.side));
	CHECK_OK(pair_sings(&other.b, 40, (double[]){ 600 }, 1, 8000));
	CHECK_OK(side_wait_received(&other.b.side, 40));
	CHECK_OK(gw_media_record(pair.a.side.port, NULL, false));
	CHECK_OK(gw_media_record(pair.a.side.port, NULL, false));
	CHECK_OK(test_run_until(has_last, NULL, 5000));
	CHECK(media_share_at(tape.right + tape.pairs - 4000, 3200, 8000, 600) >
	      0.9);
	CHECK_INT(tape.lasts, 1);
	return 0;
}
TEST_WITHOUT_OOM(test_media_record_another_right, "waits for a thread");
