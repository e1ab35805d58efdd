/* What one port sends.
 *
 * Silence costs nothing: its frame was encoded when the process started. An
 * encoder lives as long as a sound plays. */
#include "sip/media/player.h"

#include <string.h>

#include <re.h>

#include "sip/media/sound.h"

void gw_player_codec(struct gw_player *player, const char *codec,
		     unsigned ptime_ms)
{
	if (str_casecmp(player->codec, codec) != 0) {
		player->encoder = mem_deref(player->encoder);
		str_ncpy(player->codec, codec, sizeof(player->codec));
		player->rate = gw_convert_rate(codec);
		player->silence =
			gw_convert_silence(codec, &player->silence_len);
	}

	/* frames of opus can't be laid end to end (RFC 7587 4.2) */
	player->frames = str_casecmp(codec, "opus") ? ptime_ms / GW_FRAME_MS :
						      1;
	if (player->frames < 1)
		player->frames = 1;
	if (player->frames > GW_PACKET_FRAMES_MAX)
		player->frames = GW_PACKET_FRAMES_MAX;
}

bool gw_player_play(struct gw_player *player, const struct gw_sound *sound)
{
	const bool replaced =
		player->sound ||
		(player->tone.row && player->tone.row->tone == GW_TONE_BEEP);

	player->sound = sound;
	player->next = 0;
	gw_tone_start(&player->tone, NULL);
	player->encoder = mem_deref(player->encoder);
	return replaced;
}

bool gw_player_tone(struct gw_player *player, const struct gw_tone_row *row)
{
	const bool replaced = gw_player_play(player, NULL);

	gw_tone_start(&player->tone, row);
	return replaced;
}

/* 20 ms of what is played, maybe in pad; NULL: it is over. */
static const int16_t *linear_frame(struct gw_player *player, int16_t *pad)
{
	if (player->sound)
		return gw_sound_frame(player->sound, player->rate,
				      player->next++, pad);
	if (!gw_tone_next(&player->tone, pad, player->rate / 1000 * GW_FRAME_MS,
			  player->rate))
		return NULL;

	return pad;
}

/* One frame of it into buf; false when it is over or can't be made. */
static bool sound_frame(struct gw_player *player, uint8_t *buf, size_t *lenp)
{
	int16_t pad[GW_FRAME_SAMPLES_MAX];
	const int16_t *samples = linear_frame(player, pad);

	if (!samples)
		return false;
	if (!player->encoder &&
	    gw_encoder_alloc(&player->encoder, player->codec))
		return false;

	return !gw_encode(player->encoder, buf, lenp, samples);
}

const uint8_t *gw_player_next(struct gw_player *player, uint8_t *buf,
			      size_t size, size_t *lenp, bool *overp)
{
	size_t len = 0;

	*overp = false;
	if (!player->silence)
		return NULL;

	if (!gw_player_busy(player) && player->frames == 1) {
		*lenp = player->silence_len;
		return player->silence;
	}

	for (unsigned i = 0; i < player->frames; i++) {
		size_t room = size - len;

		if (gw_player_busy(player) &&
		    !sound_frame(player, buf + len, &room)) {
			*overp |= gw_player_play(player, NULL);
		}
		if (!gw_player_busy(player)) {
			room = player->silence_len;
			memcpy(buf + len, player->silence, room);
		}
		len += room;
	}

	*lenp = len;
	return buf;
}

void gw_player_close(struct gw_player *player)
{
	player->encoder = mem_deref(player->encoder);
}
