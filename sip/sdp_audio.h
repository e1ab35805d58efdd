/* What the lines of an audio section say, for the sdp files alone. */
#ifndef BELLPULL_SIP_SDP_AUDIO_H
#define BELLPULL_SIP_SDP_AUDIO_H

#include <stddef.h>
#include <stdint.h>

#include "sip/media/media.h"
#include "sip/sdp.h"
#include "sip/sdp_text.h"

enum {
	GW_SDP_PAYLOADS_MAX = 32,
	GW_SDP_PTIME_MS = 20,
	GW_SDP_DIRECTIONS = 4,
};

#define GW_SDP_TELEPHONE_EVENT "telephone-event"

/* The attributes, by gw_media_direction. */
struct gw_sdp_direction {
	const char *name;
	enum gw_media_direction theirs_to_us;
};
extern const struct gw_sdp_direction gw_sdp_directions[GW_SDP_DIRECTIONS];

struct gw_sdp_payload {
	uint8_t pt;
	char name[32]; /* "": unknown */
	uint32_t clock_rate;
	uint32_t channels;
};

struct gw_sdp_audio {
	char address[64], rtcp_address[64];
	uint16_t rtp_port, rtcp_port;
	enum gw_media_direction dir; /* from our point of view */
	uint32_t ptime_ms, maxptime_ms;
	struct gw_sdp_payload payloads[GW_SDP_PAYLOADS_MAX];
	size_t payload_count;
	bool has_crypto;
	struct gw_sdp_crypto crypto; /* the first that we can do */
};

/* Reads one section; what it does not say stands in the session part. Returns 0
 * or EBADMSG. */
int gw_sdp_read_audio(struct gw_sdp_audio *audio,
		      const struct gw_sdp_section *sec,
		      struct gw_sdp_slice session);

/* The first of ours that they have, as who answers an offer chooses (sdp_read.c).
 * False: there is none. */
bool gw_sdp_choose(struct gw_media_codec *codec,
		   const struct gw_sdp_audio *audio,
		   const struct gw_sdp_local *local);

/* sdp_write.c: the m= line of an answer and what belongs to it: one codec and its
 * events. */
int gw_sdp_write_chosen(struct mbuf *mb, uint16_t port, const char *proto,
			const struct gw_media_codec *codec);
/* Theirs, word for word as far as it was checked, with port 0. */
int gw_sdp_write_declined(struct mbuf *mb, const struct gw_sdp_section *sec);

#endif
