/* The tones of telephone networks: each row of the table as it sounds. */
#include <stdio.h>
#include <string.h>

#include "sip/media/tone.h"
#include "tests/test.h"
#include "tests/unit/media_world.h"

enum { RATE = 8000, MS = 8 /* samples */ };

static double energy(const int16_t *pcm, size_t count)
{
	double sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += (double)pcm[i] * pcm[i];
	return sum / (double)count;
}

/* Two rounds of the cadence, each step loud or silent as it should be, and the
 * loud ones made of the row's notes. */
static int check_row(const struct gw_tone_row *row)
{
	static int16_t pcm[20 * RATE];
	struct gw_tone_source source;
	size_t at = 0;

	gw_tone_start(&source, row);
	for (size_t i = 0; i < ARRAY_SIZE(pcm); i += 160)
		CHECK(gw_tone_next(&source, pcm + i, 160, RATE));

	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < GW_TONE_STEPS_MAX && row->ms[i]; i++) {
			const size_t len = row->ms[i] * MS;
			const bool sit = row->tone == GW_TONE_SIT;
			double share = 0;

			if (sit ? i == 3 : i % 2) {
				CHECK(energy(pcm + at, len) < 1);
			} else {
				CHECK(energy(pcm + at, len) > 1e6);
				for (unsigned k = 0; k < 2 && row->hz[k]; k++)
					share += media_share_at(
							 pcm + at, len, RATE,
							 row->hz[sit ? i : k]) /
						 (sit ? 2 : 1);
				CHECK(share > 0.9 && share < 1.1);
			}
			at += len;
		}
	}
	return 0;
}

static int test_tone_every_row_sounds_as_written(void)
{
	size_t n = 0;

	for (const struct gw_tone_row *row; (row = gw_tone_row(n)); n++) {
		if (row->tone != GW_TONE_BEEP && check_row(row)) {
			(void)fprintf(stderr, "%s %d\n", row->country,
				      row->tone);
			return 1;
		}
	}
	CHECK(n >= 18);
	return 0;
}
TEST(test_tone_every_row_sounds_as_written);

static int test_tone_countries(void)
{
	static const struct {
		const char *country, *row;
	} rows[] = {
		{ "de", "de" }, { "DE", "de" }, { "us", "us" }, { "Ca", "us" },
		{ "gb", "uk" }, { "uk", "uk" }, { "fr", "fr" }, { "it", "it" },
		{ "jp", "jp" }, { "xx", "eu" }, { "", "eu" },   { NULL, "eu" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (int t = GW_TONE_RINGBACK; t <= GW_TONE_CONGESTION; t++)
			CHECK_STR(gw_tone_find((enum gw_tone)t, rows[i].country)
					  ->country,
				  rows[i].row);
		CHECK_STR(gw_tone_find(GW_TONE_BEEP, rows[i].country)->country,
			  "eu");
	}
	CHECK(!gw_tone_find(GW_TONE_NONE, "de"));
	return 0;
}
TEST(test_tone_countries);

static int test_tone_beep_is_over(void)
{
	int16_t pcm[320];
	struct gw_tone_source source;

	gw_tone_start(&source, gw_tone_find(GW_TONE_BEEP, NULL));
	for (unsigned i = 0; i < 25; i++)
		CHECK(gw_tone_next(&source, pcm, 320, 16000));
	CHECK(!gw_tone_next(&source, pcm, 320, 16000));
	gw_tone_start(&source, NULL);
	CHECK(!gw_tone_next(&source, pcm, 320, 16000));
	return 0;
}
TEST(test_tone_beep_is_over);

/* In the middle of a step the rate changes: the cadence doesn't. */
static int test_tone_of_two_rates(void)
{
	static int16_t pcm[3 * 16000];
	struct gw_tone_source source;

	gw_tone_start(&source, gw_tone_find(GW_TONE_RINGBACK, "eu"));
	for (unsigned i = 0; i < 25; i++)
		CHECK(gw_tone_next(&source, pcm, 160, 8000));
	for (unsigned i = 0; i < 50; i++)
		CHECK(gw_tone_next(&source, pcm + 320 * i, 320, 16000));
	CHECK(media_share_at(pcm, 8000, 16000, 425) > 0.95);
	CHECK(energy(pcm + 8000, 8000) < 1);
	return 0;
}
TEST(test_tone_of_two_rates);
