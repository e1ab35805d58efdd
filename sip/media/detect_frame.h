/* What 20 ms of sound are made of, for detect.c. Pure. */
#ifndef BELLPULL_SIP_MEDIA_DETECT_FRAME_H
#define BELLPULL_SIP_MEDIA_DETECT_FRAME_H

#include <stdint.h>

enum {
	GW_DETECT_FRAME = 160, /* samples of 20 ms at 8 kHz */
	GW_DETECT_PAIRS = 6,
};

struct gw_detect_frame {
	double energy;                 /* mean square */
	double hz;                     /* the one note that says most of it */
	double single;                 /* the share that it says */
	double pairs[GW_DETECT_PAIRS]; /* and that two notes at once do */
};

void gw_detect_look(struct gw_detect_frame *frame, const int16_t *samples);

/* The pair that a row's two notes are, or -1. */
int gw_detect_pair(const uint16_t hz[2]);

#endif
