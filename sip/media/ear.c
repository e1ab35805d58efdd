/* What one port hears: see the header.
 *
 * There is no buffer against jitter: what is decoded here is sent on at once, and
 * the far side has one. A packet that comes after a later one is lost, then. */
#include "sip/media/ear.h"

#include <string.h>

#include <re.h>

enum {
	DECODED_MAX = 1920, /* 120 ms at 16 kHz: the longest packet of opus */
	CONCEALED_MAX_MS = 100,
	FAR_MS = 10000, /* a jump of time is a new beginning */
	RESTART = 1000, /* so is one of numbers, back or ahead */
};

struct hearing {
	struct gw_ear *ear;
	const struct gw_ear_to *to;
	uint32_t rate, clock_rate;
};

static void emit(const struct hearing *h, const int16_t *samples, size_t count)
{
	const size_t most = h->rate / 1000 * GW_FRAME_MS;

	while (count) {
		const size_t n = count < most ? count : most;

		h->to->soundh(samples, n, h->rate, h->to->arg);
		samples += n;
		count -= n;
	}
}

static void keep(struct gw_ear *ear, const int16_t *samples, size_t count)
{
	if (count > GW_PIECE_MAX) {
		samples += count - GW_PIECE_MAX;
		count = GW_PIECE_MAX;
	}
	memcpy(ear->last, samples, count * sizeof(*samples));
	ear->last_count = count;
}

/* What is lost sounds like what was before, at half of its loudness each time;
 * or as the codec itself knows to conceal. */
static void conceal(const struct hearing *h, uint32_t samples)
{
	struct gw_ear *ear = h->ear;
	int16_t pcm[DECODED_MAX];

	while (samples) {
		size_t count = DECODED_MAX;

		if (!ear->last_count)
			return;
		if (gw_decode_lost(ear->decoder, pcm, &count)) {
			for (size_t i = 0; i < ear->last_count; i++)
				ear->last[i] = (int16_t)(ear->last[i] / 2);
			count = ear->last_count;
			memcpy(pcm, ear->last, count * sizeof(*pcm));
		}
		if (!count)
			return;
		if (count > samples)
			count = samples;
		emit(h, pcm, count);
		samples -= (uint32_t)count;
	}
}

/* What lies between the last packet and this one: nothing, a loss, a pause, or
 * another stream altogether. False: the packet is too late. */
static bool bridge(const struct hearing *h, const struct gw_rtp *rtp)
{
	struct gw_ear *ear = h->ear;
	const int ahead = (int16_t)(rtp->seq - ear->last_seq);
	const int64_t gap = (int32_t)(rtp->ts - ear->next_ts);
	const int64_t far = (int64_t)h->clock_rate * FAR_MS / 1000;
	uint32_t samples, lost = 0;

	if (!ear->any || ear->ssrc != rtp->ssrc || ahead > RESTART ||
	    ahead < -RESTART || gap > far || gap < -far) {
		h->to->pauseh(0, h->rate, true, h->to->arg);
		return true;
	}
	if (ahead <= 0)
		return false;
	if (gap <= 0)
		return true;

	samples = (uint32_t)(gap * h->rate / h->clock_rate);
	if (ahead > 1)
		lost = h->rate / 1000 * CONCEALED_MAX_MS;
	if (lost > samples)
		lost = samples;
	conceal(h, lost);
	if (samples > lost)
		h->to->pauseh(samples - lost, h->rate, false, h->to->arg);
	return true;
}

/* Codecs with a fixed number of bytes in 20 ms take one such piece at a time;
 * packets of the others are decoded whole. */
static uint32_t decode(const struct hearing *h, const char *codec,
		       const uint8_t *p, size_t len)
{
	const size_t piece = gw_convert_frame_bytes(codec);
	int16_t pcm[DECODED_MAX];
	uint32_t total = 0;

	while (len && total < DECODED_MAX) {
		const size_t n = piece && len > piece ? piece : len;
		size_t count = DECODED_MAX;

		if (gw_decode(h->ear->decoder, pcm, &count, p, n))
			break;
		keep(h->ear, pcm, count);
		emit(h, pcm, count);
		total += (uint32_t)count;
		p += n;
		len -= n;
	}

	return total;
}

void gw_ear_take(struct gw_ear *ear, const struct gw_media_codec *codec,
		 const struct gw_rtp *rtp, const struct gw_ear_to *to)
{
	const struct hearing h = { .ear = ear,
				   .to = to,
				   .rate = gw_convert_rate(codec->name),
				   .clock_rate = codec->clock_rate };
	uint32_t count;

	if (!h.rate)
		return;
	if (!ear->decoder && gw_decoder_alloc(&ear->decoder, codec->name))
		return;
	if (!bridge(&h, rtp))
		return;

	count = decode(&h, codec->name, rtp->payload, rtp->payload_len);
	ear->any = true;
	ear->ssrc = rtp->ssrc;
	ear->last_seq = rtp->seq;
	ear->next_ts =
		rtp->ts + (uint32_t)((uint64_t)count * h.clock_rate / h.rate);
}

void gw_ear_skip(struct gw_ear *ear, const struct gw_rtp *rtp)
{
	const int ahead = (int16_t)(rtp->seq - ear->last_seq);

	if (ear->any && ear->ssrc == rtp->ssrc && ahead > 0)
		ear->last_seq = rtp->seq;
}

void gw_ear_close(struct gw_ear *ear)
{
	mem_deref(ear->decoder);
	memset(ear, 0, sizeof(*ear));
}
