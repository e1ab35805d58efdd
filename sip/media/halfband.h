/* Between 8 and 16 kHz, the two rates of our codecs. Pure. */
#ifndef BELLPULL_SIP_MEDIA_HALFBAND_H
#define BELLPULL_SIP_MEDIA_HALFBAND_H

#include <stddef.h>
#include <stdint.h>

enum { GW_HALFBAND_PAST = 48, GW_HALFBAND_COUNT = 320 };

/* The samples before, at the rate that comes in. Zeroed is silence before. */
struct gw_halfband {
	int16_t past[GW_HALFBAND_PAST];
};

/* count samples, at most GW_HALFBAND_COUNT, become twice as many. */
size_t gw_halfband_up(struct gw_halfband *hb, int16_t *out, const int16_t *in,
		      size_t count);
/* And half as many: count is even. */
size_t gw_halfband_down(struct gw_halfband *hb, int16_t *out, const int16_t *in,
			size_t count);
/* Either, or a copy: whatever leads from one rate to the other. */
size_t gw_halfband_convert(struct gw_halfband *hb, int16_t *out, uint32_t to,
			   const int16_t *in, size_t count, uint32_t from);

#endif
