/* Hears network tones in sound.
 *
 *   frame of 20 ms -> tone, quiet or something else -> runs of on and off
 *                  -> does a row of the table have this cadence and these notes?
 *
 * Where two networks mean different things by the same sound, the table's order
 * decides, which has the European ones first: Spain's busy tone is congestion
 * elsewhere. Something else for longer than an echo begins everything anew. */
#include "sip/media/detect.h"

#include <math.h>
#include <string.h>

#include "sip/media/tone.h"

enum {
	FRAME_MS = 20,
	ODD_MAX = 3,       /* frames that may be something else */
	RUN_MIN = 6,       /* frames of a tone: shorter ones are speech */
	TOLERANCE_MS = 45, /* and a tenth: both edges may lie in a frame */
	HZ_TOLERANCE = 16,
	SAME_NOTE_HZ = 60,

	SIT_MIN = 10, /* frames of a note, in all countries' versions */
	SIT_MAX = 24,
	SIT_HZ = 60,
	SIT_GAP_MAX = 5,

	BEEP_MIN = 7,
	BEEP_MAX = 50,
	BEEP_HZ_MIN = 390,
	BEEP_HZ_MAX = 2010,
	BEEP_STEADY_HZ = 40,
	SPEECH_MIN = 25,  /* before it */
	SILENCE_MIN = 33, /* after it: longer than in any busy tone */
	/* where ringback and busy tones are, a beep must be told from them */
	LOW_HZ_MAX = 490,
	LOW_MAX = 45,
	LOW_SILENCE_MIN = 60,
};

static const double tonal = 0.7;  /* share that makes a frame a tone */
static const double pure = 0.8;   /* and a run a pure one */
static const double quiet = 0.06; /* of the tone before: 12 dB below */
static const double silent = 16 * 16;
static const double one = 0.93;       /* of a run that surely is one note */
static const double pair_gain = 0.04; /* by which two notes say more than one */

/* ---- what a row says ---- */

static bool is_near(unsigned frames, unsigned ms)
{
	const double off = fabs((double)frames * FRAME_MS - ms);

	return off <= TOLERANCE_MS + 0.1 * ms;
}

static bool has_notes(const struct gw_detect_run *run,
		      const struct gw_tone_row *row)
{
	if (row->hz[1])
		return run->pair &&
		       (int)run->pair - 1 == gw_detect_pair(row->hz);

	return !run->pair && fabs(run->hz - row->hz[0]) <= HZ_TOLERANCE;
}

/* Whether the last count runs are the row's steps, beginning with first. */
static bool is_cadence(const struct gw_detector *d,
		       const struct gw_tone_row *row, unsigned first,
		       unsigned count, unsigned steps)
{
	const struct gw_detect_run *run = d->runs + d->runc - count;

	for (unsigned i = 0; i < count; i++, run++) {
		const unsigned step = (first + i) % steps;

		if (run->on != (step % 2 == 0) ||
		    !is_near(run->frames, row->ms[step]) ||
		    (run->on && !has_notes(run, row)))
			return false;
	}

	return true;
}

/* Ringback is told after one round, the short ones after two. */
static bool is_row(const struct gw_detector *d, const struct gw_tone_row *row)
{
	unsigned steps = 0, count;

	while (steps < GW_TONE_STEPS_MAX && row->ms[steps])
		steps++;
	count = row->tone != GW_TONE_RINGBACK && steps < 4 ? 4 : steps;
	if (d->runc < count)
		return false;

	for (unsigned first = 0; first < steps; first += 2) {
		if (is_cadence(d, row, first, count, steps))
			return true;
	}

	return false;
}

/* Three notes, with hardly a pause between them. */
static bool is_sit(const struct gw_detector *d)
{
	static const double notes[] = { 1800, 1400, 950 };
	unsigned found = 0;

	for (unsigned i = d->runc; i-- && found < 3;) {
		const struct gw_detect_run *run = &d->runs[i];

		if (!run->on && found && run->frames <= SIT_GAP_MAX)
			continue;
		if (!run->on || run->pair || run->frames < SIT_MIN ||
		    run->frames > SIT_MAX ||
		    fabs(run->hz - notes[found]) > SIT_HZ)
			return false;
		found++;
	}

	return found == 3;
}

/* One note after speech, and then silence that has lasted for now. */
static bool is_beep(const struct gw_detector *d)
{
	const struct gw_detect_run *run = d->runs + d->runc - 1;
	bool low;

	if (!d->runc || !run->on || d->speech < SPEECH_MIN || !run->pure ||
	    run->frames < BEEP_MIN || run->frames > BEEP_MAX ||
	    run->hz < BEEP_HZ_MIN || run->hz > BEEP_HZ_MAX)
		return false;
	for (unsigned i = 0; i + 1 < d->runc; i++) {
		if (d->runs[i].on)
			return false;
	}

	low = run->hz < LOW_HZ_MAX;
	if (low && run->frames > LOW_MAX)
		return false;

	return d->frames >= (low ? LOW_SILENCE_MIN : SILENCE_MIN);
}

static enum gw_tone tell(struct gw_detector *d, enum gw_tone tone)
{
	if (tone == GW_TONE_NONE || d->told & 1u << tone)
		return GW_TONE_NONE;

	d->told |= 1u << tone;
	return tone;
}

static enum gw_tone by_cadence(struct gw_detector *d)
{
	const struct gw_tone_row *row;

	for (size_t i = 0; (row = gw_tone_row(i)) != NULL; i++) {
		if (row->tone <= GW_TONE_CONGESTION && is_row(d, row))
			return tell(d, row->tone);
	}

	return GW_TONE_NONE;
}

/* ---- runs ---- */

static void begin(struct gw_detector *d, unsigned now)
{
	d->now = now;
	d->frames = d->odd = d->counted = 0;
	d->single = d->hz = d->hz_min = d->hz_max = d->energy = 0;
	memset(d->pairs, 0, sizeof(d->pairs));
}

static void keep(struct gw_detector *d, const struct gw_detect_run *run)
{
	if (d->runc == GW_DETECT_RUNS) {
		memmove(d->runs, d->runs + 1,
			(GW_DETECT_RUNS - 1) * sizeof(*d->runs));
		d->runc--;
	}
	d->runs[d->runc++] = *run;
}

static void forget(struct gw_detector *d)
{
	d->runc = 0;
	d->loudness = 0;
	begin(d, GW_DETECT_NOTHING);
}

static unsigned best_pair(const double *shares)
{
	unsigned best = 0;

	for (unsigned i = 1; i < GW_DETECT_PAIRS; i++) {
		if (shares[i] > shares[best])
			best = i;
	}

	return best;
}

/* The tone is over. False: it was too short for one. */
static bool close_on(struct gw_detector *d)
{
	const double n = d->counted ? d->counted : 1;
	const unsigned pair = best_pair(d->pairs);
	/* at the edges of a short note two say more than one, too */
	const bool two = d->pairs[pair] > d->single + pair_gain * n &&
			 d->single < one * n;
	const struct gw_detect_run run = {
		.on = true,
		.frames = d->frames,
		.hz = d->hz / n,
		.pair = two ? pair + 1 : 0,
		.pure = !two && d->single > pure * n &&
			d->hz_max - d->hz_min < BEEP_STEADY_HZ,
	};

	d->loudness = d->energy / n;
	if (d->frames < d->odd + RUN_MIN || !d->counted)
		return false;

	keep(d, &run);
	return true;
}

static void close_off(struct gw_detector *d)
{
	const struct gw_detect_run run = { .frames = d->frames };

	keep(d, &run);
}

static void count(struct gw_detector *d, const struct gw_detect_frame *f)
{
	d->single += f->single;
	d->hz += f->hz;
	d->energy += f->energy;
	for (unsigned i = 0; i < GW_DETECT_PAIRS; i++)
		d->pairs[i] += f->pairs[i];
	if (!d->counted || f->hz < d->hz_min)
		d->hz_min = f->hz;
	if (!d->counted || f->hz > d->hz_max)
		d->hz_max = f->hz;
	d->counted++;
}

/* The first frame and the last are partly something else: a frame counts when
 * there is one after it. */
static void add_tone(struct gw_detector *d, const struct gw_detect_frame *f)
{
	if (d->frames > 1)
		count(d, &d->last);
	d->last = *f;
	d->frames++;
	d->odd = 0;
}

static bool goes_on(const struct gw_detector *d,
		    const struct gw_detect_frame *f)
{
	const unsigned pair = best_pair(d->counted ? d->pairs : d->last.pairs);
	const double hz = d->counted ? d->hz / d->counted : d->last.hz;

	return fabs(f->hz - hz) <= SAME_NOTE_HZ || f->pairs[pair] >= tonal;
}

/* ---- frames ---- */

static enum gw_tone on_tone(struct gw_detector *d,
			    const struct gw_detect_frame *f)
{
	enum gw_tone tone = GW_TONE_NONE;

	if (d->now == GW_DETECT_ON && d->frames && !goes_on(d, f)) {
		if (!close_on(d)) {
			d->speech += d->frames;
			forget(d);
		} else if (is_sit(d)) {
			tone = tell(d, GW_TONE_SIT);
		}
		begin(d, GW_DETECT_ON);
	} else if (d->now == GW_DETECT_OFF) {
		close_off(d);
		tone = by_cadence(d);
		begin(d, GW_DETECT_ON);
	} else if (d->now == GW_DETECT_NOTHING) {
		begin(d, GW_DETECT_ON);
	}

	/* a frame or two that didn't fit belong to it, then */
	add_tone(d, f);
	return tone;
}

static enum gw_tone on_quiet(struct gw_detector *d)
{
	enum gw_tone tone = GW_TONE_NONE;

	if (d->now == GW_DETECT_ON) {
		if (!close_on(d)) {
			d->speech += d->frames;
			forget(d);
			return GW_TONE_NONE;
		}
		if (is_sit(d))
			tone = tell(d, GW_TONE_SIT);
		begin(d, GW_DETECT_OFF);
	}
	if (d->now == GW_DETECT_OFF) {
		d->frames++;
		d->odd = 0;
		if (is_beep(d))
			tone = tell(d, GW_TONE_BEEP);
	}

	return tone;
}

static enum gw_tone on_other(struct gw_detector *d)
{
	enum gw_tone tone = GW_TONE_NONE;

	if (d->now == GW_DETECT_NOTHING) {
		d->speech++;
		return GW_TONE_NONE;
	}

	d->frames++;
	if (++d->odd < ODD_MAX)
		return GW_TONE_NONE;
	if (d->now == GW_DETECT_ON && close_on(d) && is_sit(d))
		tone = tell(d, GW_TONE_SIT);
	d->speech += d->odd;
	forget(d);
	return tone;
}

static enum gw_tone take_frame(struct gw_detector *d)
{
	struct gw_detect_frame f;
	double share, level;

	gw_detect_look(&f, d->frame);
	share = f.pairs[best_pair(f.pairs)];
	if (f.single > share)
		share = f.single;
	level = d->now == GW_DETECT_ON && d->counted ? d->energy / d->counted :
						       d->loudness;

	if (f.energy < silent || (level > 0 && f.energy < level * quiet))
		return on_quiet(d);

	return share >= tonal ? on_tone(d, &f) : on_other(d);
}

enum gw_tone gw_detect(struct gw_detector *d, const int16_t *samples,
		       size_t count)
{
	enum gw_tone found = GW_TONE_NONE;

	for (size_t i = 0; i < count; i++) {
		enum gw_tone tone;

		d->frame[d->count++] = samples[i];
		if (d->count < GW_DETECT_FRAME)
			continue;
		d->count = 0;
		tone = take_frame(d);
		if (tone != GW_TONE_NONE)
			found = tone;
	}

	return found;
}
