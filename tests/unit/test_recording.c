/* Two channels on one timeline, by the clock of the test. */
#include <re.h>

#include "sip/media/ear.h"
#include "sip/media/recording.h"
#include "tests/test.h"

enum { MS = 8 };

static struct {
	int16_t pcm[2 * 8000 * 12];
	size_t pairs;
	unsigned pieces, lasts;
} got;

static void on_piece(int16_t *samples, size_t pairs, bool last, void *arg)
{
	(void)arg;
	if (samples && got.pairs + pairs <= ARRAY_SIZE(got.pcm) / 2)
		memcpy(got.pcm + 2 * got.pairs, samples, 4 * pairs);
	got.pairs += pairs;
	got.pieces++;
	got.lasts += last;
	mem_deref(samples);
}

static void put(struct gw_recording *rec, unsigned channel, int16_t value,
		int64_t ms)
{
	int16_t pcm[160];

	for (size_t i = 0; i < 160; i++)
		pcm[i] = value;
	gw_recording_put(rec, channel, pcm, 160, 8000, ms * 1000);
}

static int at(size_t ms, unsigned channel)
{
	return got.pcm[2 * ms * MS + channel];
}

static int test_recording_one_timeline(void)
{
	OWNED struct gw_recording *rec = NULL;

	memset(&got, 0, sizeof(got));
	CHECK_OK(gw_recording_alloc(&rec, 8000, 0, on_piece, NULL));
	for (int64_t ms = 0; ms < 1000; ms += 20)
		put(rec, 0, 100, ms + (ms % 60) / 2); /* jitters */
	for (int64_t ms = 500; ms < 1000; ms += 20)
		put(rec, 1, 200, ms);
	gw_recording_flush(rec, 1000000);
	CHECK_INT(got.pairs, 600 * MS); /* the rest may still be late */
	gw_recording_pause(rec, 0, 300 * MS, 8000, false);
	put(rec, 0, 101, 1300);
	gw_recording_pause(rec, 0, 0, 8000, true);
	put(rec, 0, 102, 1700); /* a new stream is where the clock is */
	gw_recording_end(rec, 1800000);

	CHECK_INT(got.pairs, 1800 * MS);
	CHECK_INT(got.lasts, 1);
	CHECK_INT(at(0, 0), 100);
	CHECK_INT(at(999, 0), 100);
	CHECK_INT(at(1001, 0), 0);
	CHECK_INT(at(1299, 0), 0);
	CHECK_INT(at(1301, 0), 101);
	CHECK_INT(at(1321, 0), 0);
	CHECK_INT(at(1701, 0), 102);
	CHECK_INT(at(1721, 0), 0);
	CHECK_INT(at(499, 1), 0);
	CHECK_INT(at(501, 1), 200);
	CHECK_INT(at(999, 1), 200);
	CHECK_INT(at(1001, 1), 0);
	return 0;
}
TEST(test_recording_one_timeline);

/* Late within reason finds its place; later than that is silence, and so is what
 * a burst brings from too far ahead. */
static int test_recording_late_and_early(void)
{
	OWNED struct gw_recording *rec = NULL;

	memset(&got, 0, sizeof(got));
	CHECK_OK(gw_recording_alloc(&rec, 8000, 0, on_piece, NULL));
	put(rec, 0, 1, 0);
	put(rec, 0, 2, 320); /* its place is at 20 */
	gw_recording_flush(rec, 1000000);
	put(rec, 0, 3, 1000); /* its place is gone: it is put to 1000 */
	for (int i = 0; i < 200; i++)
		put(rec, 1, 4, 1000); /* four seconds at once */
	gw_recording_end(rec, 1100000);

	CHECK_INT(at(21, 0), 2);
	CHECK_INT(at(41, 0), 0);
	CHECK_INT(at(1001, 0), 3);
	CHECK_INT(at(999, 1), 0);
	CHECK_INT(at(1001, 1), 4);
	CHECK(got.pairs <= 4000 * MS);
	CHECK_INT(got.lasts, 1);
	return 0;
}
TEST(test_recording_late_and_early);

static int test_recording_of_nothing(void)
{
	OWNED struct gw_recording *rec = NULL;

	memset(&got, 0, sizeof(got));
	CHECK_OK(gw_recording_alloc(&rec, 16000, 5, on_piece, NULL));
	gw_recording_end(rec, 5);
	CHECK_INT(got.pairs, 0);
	CHECK_INT(got.pieces, 1);
	CHECK_INT(got.lasts, 1);
	gw_recording_end(rec, 10000005); /* ten seconds, none of them kept */
	CHECK_INT(got.pairs, 160000);
	CHECK_INT(got.pieces, 11);
	return 0;
}
TEST(test_recording_of_nothing);
