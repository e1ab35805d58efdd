/* The tones of telephone networks: ITU-T E.180 with its supplement 2. Pure. */
#ifndef BELLPULL_SIP_MEDIA_TONE_H
#define BELLPULL_SIP_MEDIA_TONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"

enum { GW_TONE_STEPS_MAX = 6, GW_TONE_NOTES_MAX = 3 };

/* One tone of one country. */
struct gw_tone_row {
	char country[3];
	enum gw_tone tone;
	/* All at once; of SIT: one after the other. */
	uint16_t hz[GW_TONE_NOTES_MAX];
	/* On, off, on... and from the beginning; a zero ends the list. */
	uint16_t ms[GW_TONE_STEPS_MAX];
};

/* The n-th row, the European ones first, NULL after the last. */
const struct gw_tone_row *gw_tone_row(size_t n);
/* What tone is in country (two letters, any case; NULL or unknown: European). NULL:
 * there is no such tone. */
const struct gw_tone_row *gw_tone_find(enum gw_tone tone, const char *country);

/* Makes the sound of a row without keeping any. Zeroed is silent. */
struct gw_tone_source {
	const struct gw_tone_row *row;
	uint32_t rate;
	bool over;
	unsigned step;
	uint32_t at; /* samples of this step that are through */
	double k[2], y1[2], y2[2];
};

void gw_tone_start(struct gw_tone_source *source,
		   const struct gw_tone_row *row);
/* The next count samples. False: it is over (GW_TONE_BEEP), nothing was made. */
bool gw_tone_next(struct gw_tone_source *source, int16_t *samples, size_t count,
		  uint32_t rate);

#endif
