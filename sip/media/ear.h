/* What one port hears, as linear sound: packets of any length are decoded in
 * pieces of at most 20 ms, what is lost is concealed. Media thread. */
#ifndef BELLPULL_SIP_MEDIA_EAR_H
#define BELLPULL_SIP_MEDIA_EAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/convert.h"
#include "sip/media/media.h"
#include "sip/media/rtp.h"

enum { GW_PIECE_MAX = 320 }; /* samples of 20 ms at 16 kHz */

/* count samples, at most GW_PIECE_MAX of them, directly after those before... */
typedef void(gw_ear_sound_h)(const int16_t *samples, size_t count,
			     uint32_t rate, void *arg);
/* ...unless this says that so many samples of pause lie between. fresh: it is
 * unknown how many, a new stream begins. */
typedef void(gw_ear_pause_h)(uint32_t samples, uint32_t rate, bool fresh,
			     void *arg);

/* Zeroed is new. */
struct gw_ear {
	struct gw_decoder *decoder;
	bool any;
	uint32_t ssrc, next_ts;
	uint16_t last_seq;
	int16_t last[GW_PIECE_MAX]; /* repeated for what is lost */
	size_t last_count;
};

struct gw_ear_to {
	gw_ear_sound_h *soundh;
	gw_ear_pause_h *pauseh;
	void *arg;
};

/* Takes a packet of codec's. Late ones were concealed already and are dropped. */
void gw_ear_take(struct gw_ear *ear, const struct gw_media_codec *codec,
		 const struct gw_rtp *rtp, const struct gw_ear_to *to);
/* A packet without sound (an event): its number isn't lost. */
void gw_ear_skip(struct gw_ear *ear, const struct gw_rtp *rtp);
/* As new; for another codec, too. */
void gw_ear_close(struct gw_ear *ear);

#endif
