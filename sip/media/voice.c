/* Linear sound made into packets: see the header. */
#include "sip/media/voice.h"

#include <string.h>

#include <re.h>

void gw_voice_codec(struct gw_voice *voice, const char *codec, unsigned frames)
{
	voice->frames = frames;
	if (!str_casecmp(voice->codec, codec))
		return;

	gw_voice_close(voice);
	str_ncpy(voice->codec, codec, sizeof(voice->codec));
	voice->rate = gw_convert_rate(codec);
	voice->frames = frames;
	/* most ports relay and never need it */
	voice->pcm = mem_alloc(GW_VOICE_MAX * sizeof(*voice->pcm), NULL);
}

static size_t frame_samples(const struct gw_voice *voice)
{
	return voice->rate / 1000 * GW_FRAME_MS;
}

/* One packet from the front of what waits. */
static void send_packet(struct gw_voice *voice, gw_voice_packet_h *packeth,
			void *arg)
{
	uint8_t payload[GW_PACKET_FRAMES_MAX * GW_FRAME_BYTES_MAX];
	const size_t frame = frame_samples(voice);
	const size_t taken = frame * voice->frames;
	size_t len = 0;
	int err = 0;

	if (!voice->encoder)
		err = gw_encoder_alloc(&voice->encoder, voice->codec);
	for (unsigned i = 0; !err && i < voice->frames; i++) {
		size_t room = sizeof(payload) - len;

		err = gw_encode(voice->encoder, payload + len, &room,
				voice->pcm + i * frame);
		if (!err)
			len += room;
	}

	voice->count -= taken;
	memmove(voice->pcm, voice->pcm + taken,
		voice->count * sizeof(*voice->pcm));
	/* time goes on without it, too */
	packeth(payload, err ? 0 : len, arg);
}

void gw_voice_put(struct gw_voice *voice, const int16_t *samples, size_t count,
		  uint32_t rate, gw_voice_packet_h *packeth, void *arg)
{
	if (!voice->pcm || !voice->rate || !voice->frames || !rate)
		return;

	voice->count += gw_halfband_convert(&voice->halfband,
					    voice->pcm + voice->count,
					    voice->rate, samples, count, rate);
	while (voice->count >= frame_samples(voice) * voice->frames)
		send_packet(voice, packeth, arg);
}

void gw_voice_flush(struct gw_voice *voice, uint32_t *samplesp, uint32_t rate,
		    gw_voice_packet_h *packeth, void *arg)
{
	const size_t whole = frame_samples(voice) * voice->frames;
	size_t pad, taken;

	if (!voice->count || voice->count >= whole || !rate)
		return;

	pad = whole - voice->count;
	memset(voice->pcm + voice->count, 0, pad * sizeof(*voice->pcm));
	voice->count = whole;
	send_packet(voice, packeth, arg);

	taken = pad * rate / voice->rate;
	*samplesp -= (uint32_t)(taken < *samplesp ? taken : *samplesp);
}

void gw_voice_drop(struct gw_voice *voice)
{
	voice->count = 0;
}

void gw_voice_close(struct gw_voice *voice)
{
	mem_deref(voice->encoder);
	mem_deref(voice->pcm);
	memset(voice, 0, sizeof(*voice));
}
