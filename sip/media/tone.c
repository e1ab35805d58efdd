/* The tones of telephone networks: see the header.
 *
 * Each step of a cadence begins with its oscillators at rest and rises for some
 * milliseconds, so that it doesn't click. */
#include "sip/media/tone.h"

#include <math.h>

#include <re.h>

enum {
	RAMP_MS = 4,
	LOUDNESS = 6000, /* about -12 dBm0: E.180 6 says -10, +-5 */
	NOTES = 2,       /* at once */
};

static const struct gw_tone_row rows[] = {
	/* clang-format off */
	{ "eu", GW_TONE_RINGBACK,   { 425 },           { 1000, 4000 } },
	{ "eu", GW_TONE_BUSY,       { 425 },           { 500, 500 } },
	{ "eu", GW_TONE_CONGESTION, { 425 },           { 250, 250 } },
	{ "eu", GW_TONE_SIT,        { 950, 1400, 1800 }, { 330, 330, 330, 1000 } },
	{ "eu", GW_TONE_BEEP,       { 1400 },          { 500 } },
	{ "de", GW_TONE_RINGBACK,   { 425 },           { 1000, 4000 } },
	{ "de", GW_TONE_BUSY,       { 425 },           { 480, 480 } },
	{ "de", GW_TONE_CONGESTION, { 425 },           { 240, 240 } },
	{ "us", GW_TONE_RINGBACK,   { 440, 480 },      { 2000, 4000 } },
	{ "us", GW_TONE_BUSY,       { 480, 620 },      { 500, 500 } },
	{ "us", GW_TONE_CONGESTION, { 480, 620 },      { 250, 250 } },
	{ "uk", GW_TONE_RINGBACK,   { 400, 450 },      { 400, 200, 400, 2000 } },
	{ "uk", GW_TONE_BUSY,       { 400 },           { 375, 375 } },
	{ "uk", GW_TONE_CONGESTION, { 400 },           { 400, 350, 225, 525 } },
	{ "fr", GW_TONE_RINGBACK,   { 440 },           { 1500, 3500 } },
	{ "fr", GW_TONE_BUSY,       { 440 },           { 500, 500 } },
	{ "fr", GW_TONE_CONGESTION, { 440 },           { 250, 250 } },
	{ "it", GW_TONE_RINGBACK,   { 425 },           { 1000, 4000 } },
	{ "it", GW_TONE_BUSY,       { 425 },           { 500, 500 } },
	{ "it", GW_TONE_CONGESTION, { 425 },           { 200, 200 } },
	/* 400 Hz, modulated by 16 Hz */
	{ "jp", GW_TONE_RINGBACK,   { 384, 416 },      { 1000, 2000 } },
	{ "jp", GW_TONE_BUSY,       { 400 },           { 500, 500 } },
	{ "jp", GW_TONE_CONGESTION, { 400 },           { 500, 500 } },
	{ "at", GW_TONE_RINGBACK,   { 420 },           { 1000, 5000 } },
	{ "at", GW_TONE_BUSY,       { 420 },           { 400, 400 } },
	{ "at", GW_TONE_CONGESTION, { 420 },           { 200, 200 } },
	{ "ch", GW_TONE_RINGBACK,   { 425 },           { 1000, 4000 } },
	{ "ch", GW_TONE_BUSY,       { 425 },           { 500, 500 } },
	{ "ch", GW_TONE_CONGESTION, { 425 },           { 200, 200 } },
	{ "es", GW_TONE_RINGBACK,   { 425 },           { 1500, 3000 } },
	{ "es", GW_TONE_BUSY,       { 425 },           { 200, 200 } },
	{ "es", GW_TONE_CONGESTION, { 425 },           { 200, 200, 200, 200, 200, 600 } },
	{ "be", GW_TONE_RINGBACK,   { 425 },           { 1000, 3000 } },
	{ "be", GW_TONE_BUSY,       { 425 },           { 500, 500 } },
	{ "be", GW_TONE_CONGESTION, { 425 },           { 167, 167 } },
	{ "se", GW_TONE_RINGBACK,   { 425 },           { 1000, 5000 } },
	{ "se", GW_TONE_BUSY,       { 425 },           { 250, 250 } },
	{ "se", GW_TONE_CONGESTION, { 425 },           { 250, 750 } },
	/* clang-format on */
};

/* The same network, or the other name of it. */
static const struct {
	char country[3], as[3];
} aliases[] = { { "ca", "us" }, { "gb", "uk" } };

const struct gw_tone_row *gw_tone_row(size_t n)
{
	return n < ARRAY_SIZE(rows) ? &rows[n] : NULL;
}

static const struct gw_tone_row *find(enum gw_tone tone, const char *country)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].tone == tone &&
		    !str_casecmp(rows[i].country, country))
			return &rows[i];
	}

	return NULL;
}

const struct gw_tone_row *gw_tone_find(enum gw_tone tone, const char *country)
{
	const struct gw_tone_row *row = NULL;

	for (size_t i = 0; country && i < ARRAY_SIZE(aliases); i++) {
		if (!str_casecmp(aliases[i].country, country))
			country = aliases[i].as;
	}
	if (country)
		row = find(tone, country);

	return row ? row : find(tone, "eu");
}

void gw_tone_start(struct gw_tone_source *source, const struct gw_tone_row *row)
{
	const struct gw_tone_source fresh = { .row = row };

	*source = fresh;
}

/* The notes of a step; none: it is a pause. */
static unsigned notes_of(uint16_t hz[NOTES], const struct gw_tone_row *row,
			 unsigned step)
{
	unsigned n = 0;

	if (row->tone == GW_TONE_SIT) {
		if (step < GW_TONE_NOTES_MAX)
			hz[n++] = row->hz[step];
	} else if (step % 2 == 0) {
		while (n < NOTES && row->hz[n]) {
			hz[n] = row->hz[n];
			n++;
		}
	}

	return n;
}

/* y[n] = 2 cos(w) y[n-1] - y[n-2] is a sine; at is where it begins. */
static void set_up(struct gw_tone_source *source, const uint16_t *hz,
		   unsigned notes)
{
	for (unsigned i = 0; i < notes; i++) {
		const double w = 2 * M_PI * hz[i] / source->rate;

		source->k[i] = 2 * cos(w);
		source->y1[i] = sin(w * ((double)source->at - 1));
		source->y2[i] = sin(w * ((double)source->at - 2));
	}
}

static double envelope(uint32_t at, uint32_t length, uint32_t rate)
{
	const uint32_t ramp = rate / 1000 * RAMP_MS;
	const uint32_t edge = at < length - at ? at : length - at;

	return edge < ramp ? (double)edge / ramp : 1;
}

static uint32_t step_length(const struct gw_tone_source *source)
{
	return source->row->ms[source->step] * (source->rate / 1000);
}

/* Up to count samples of the present step; returns how many. */
static size_t fill(struct gw_tone_source *source, int16_t *out, size_t count)
{
	const uint32_t length = step_length(source);
	uint16_t hz[NOTES];
	const unsigned notes = notes_of(hz, source->row, source->step);
	size_t n = 0;

	set_up(source, hz, notes);
	for (; n < count && source->at < length; n++, source->at++) {
		double sum = 0;

		for (unsigned i = 0; i < notes; i++) {
			const double y =
				source->k[i] * source->y1[i] - source->y2[i];

			source->y2[i] = source->y1[i];
			source->y1[i] = y;
			sum += y / notes;
		}
		sum *= LOUDNESS * envelope(source->at, length, source->rate);
		out[n] = (int16_t)lrint(sum);
	}

	return n;
}

static void next_step(struct gw_tone_source *source)
{
	const struct gw_tone_row *row = source->row;

	source->at = 0;
	source->step++;
	if (source->step < GW_TONE_STEPS_MAX && row->ms[source->step])
		return;

	source->step = 0;
	if (row->tone == GW_TONE_BEEP)
		source->over = true;
}

bool gw_tone_next(struct gw_tone_source *source, int16_t *samples, size_t count,
		  uint32_t rate)
{
	size_t done = 0;

	if (!source->row || source->over)
		return false;
	if (source->rate && source->rate != rate)
		source->at =
			(uint32_t)((uint64_t)source->at * rate / source->rate);
	source->rate = rate;

	while (done < count && !source->over) {
		done += fill(source, samples + done, count - done);
		if (source->at >= step_length(source))
			next_step(source);
	}
	while (done < count)
		samples[done++] = 0;

	return true;
}
