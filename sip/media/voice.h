/* Linear sound of any pieces, made into packets of a port's codec and packet time.
 * Media thread. */
#ifndef BELLPULL_SIP_MEDIA_VOICE_H
#define BELLPULL_SIP_MEDIA_VOICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/convert.h"
#include "sip/media/ear.h"
#include "sip/media/halfband.h"
#include "sip/media/player.h"

enum { GW_VOICE_MAX = GW_PACKET_FRAMES_MAX * GW_PIECE_MAX + 2 * GW_PIECE_MAX };

/* Zeroed is new. */
struct gw_voice {
	struct gw_encoder *encoder;
	struct gw_halfband halfband;
	uint32_t rate;
	unsigned frames;
	char codec[16];
	int16_t *pcm; /* GW_VOICE_MAX; NULL: it has no codec, or no memory */
	size_t count;
};

/* A packet's payload; ms of sound are in it. */
typedef void(gw_voice_packet_h)(const uint8_t *payload, size_t len, void *arg);

/* Makes it speak this codec. frames: of 20 ms in a packet. */
void gw_voice_codec(struct gw_voice *voice, const char *codec, unsigned frames);
void gw_voice_put(struct gw_voice *voice, const int16_t *samples, size_t count,
		  uint32_t rate, gw_voice_packet_h *packeth, void *arg);
/* Fills a packet that has begun with silence, out of a pause of *samplesp samples
 * at rate, which becomes what is left of it. */
void gw_voice_flush(struct gw_voice *voice, uint32_t *samplesp, uint32_t rate,
		    gw_voice_packet_h *packeth, void *arg);
void gw_voice_drop(struct gw_voice *voice); /* what has not become a packet */
void gw_voice_close(struct gw_voice *voice);

#endif
