/* What one port sends: silence, or a sound or tone in its codec. Media thread. */
#ifndef BELLPULL_SIP_MEDIA_PLAYER_H
#define BELLPULL_SIP_MEDIA_PLAYER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sip/media/convert.h"
#include "sip/media/tone.h"

struct gw_sound;

enum { GW_PACKET_FRAMES_MAX = 3 };

/* Zeroed has no codec and nothing to play. */
struct gw_player {
	char codec[16];
	uint32_t rate;          /* of linear samples; 0: can't make sound */
	const uint8_t *silence; /* of 20 ms */
	size_t silence_len;
	unsigned frames; /* of 20 ms in one packet */

	const struct gw_sound *sound;
	struct gw_encoder *encoder;
	size_t next; /* frame of sound */
	struct gw_tone_source tone;
};

/* Another codec, or another packet time (a multiple of 20 ms is kept, up to
 * 60). A sound goes on where it was. */
void gw_player_codec(struct gw_player *player, const char *codec,
		     unsigned ptime_ms);

static inline bool gw_player_busy(const struct gw_player *player)
{
	return player->sound || player->tone.row;
}

/* Plays from the beginning; NULL: silence. Tells whether it took the place of
 * a sound or beep that was not over. */
bool gw_player_play(struct gw_player *player, const struct gw_sound *sound);
bool gw_player_tone(struct gw_player *player, const struct gw_tone_row *row);

/* The next packet's payload, valid until the next call; buf has room for it.
 * *overp tells that a sound or beep ended with the packet before. NULL: none can be
 * made. */
const uint8_t *gw_player_next(struct gw_player *player, uint8_t *buf,
			      size_t size, size_t *lenp, bool *overp);

void gw_player_close(struct gw_player *player);

#endif
