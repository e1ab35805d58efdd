/* Hears network tones in sound: ringback, busy, congestion, SIT, and the beep of a
 * voicemail. Pure: it takes 8 kHz sound in any pieces. */
#ifndef BELLPULL_SIP_MEDIA_DETECT_H
#define BELLPULL_SIP_MEDIA_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/detect_frame.h"
#include "sip/media/media.h"

enum { GW_DETECT_RUNS = 8 };

/* A stretch of one tone, or of silence after it. */
struct gw_detect_run {
	bool on;
	unsigned frames;
	double hz;     /* on: as one note */
	unsigned pair; /* on: 1 + the pair of notes that it is; 0: one note */
	bool pure;     /* on: one note that keeps its height */
};

/* Zeroed is new. */
struct gw_detector {
	int16_t frame[GW_DETECT_FRAME];
	size_t count;

	struct gw_detect_run runs[GW_DETECT_RUNS]; /* that are over */
	unsigned runc;

	/* the run that is under way */
	enum { GW_DETECT_NOTHING, GW_DETECT_ON, GW_DETECT_OFF } now;
	unsigned frames;
	unsigned odd; /* frames at its end that don't fit it */
	/* the sums of its counted frames, without those at its edges */
	struct gw_detect_frame last;
	unsigned counted;
	double single, hz, hz_min, hz_max, pairs[GW_DETECT_PAIRS];
	double energy;

	double loudness; /* of the last run that was on */
	unsigned speech; /* frames of something else, so far */
	unsigned told;   /* bits of gw_tone */
};

/* Takes sound; returns a tone that was not told before, or GW_TONE_NONE. */
enum gw_tone gw_detect(struct gw_detector *detector, const int16_t *samples,
		       size_t count);

#endif
