/* Two channels of sound on one timeline.
 *
 *   handed over | ring: what late packets may still get into  | now, and ahead
 *   ------------flushed-----------------------------------pos-^-------
 *
 * A channel goes on where it was as long as that is a place in the ring and not
 * far ahead; else it is put to where the clock says. What nobody wrote is
 * silence. */
#include "sip/media/recording.h"

#include <string.h>

#include <re.h>

#include "sip/media/ear.h"
#include "sip/media/halfband.h"

enum {
	RING_MS = 3000,
	LATE_MS = 400,   /* so long a packet is waited for */
	AHEAD_MS = 1500, /* of the clock: a burst after a stall */
	PIECE_MS = 1000,
};

struct channel {
	bool any;
	uint64_t pos;
	struct gw_halfband halfband;
};

struct gw_recording {
	uint32_t rate;
	int64_t start_us;
	uint64_t flushed;
	struct channel channels[GW_RECORDING_CHANNELS];
	int16_t *ring;
	size_t ring_pairs;
	gw_recording_piece_h *pieceh;
	void *arg;
};

static void destructor(void *arg)
{
	struct gw_recording *rec = arg;

	mem_deref(rec->ring);
}

int gw_recording_alloc(struct gw_recording **recp, uint32_t rate,
		       int64_t now_us, gw_recording_piece_h *pieceh, void *arg)
{
	struct gw_recording *rec = mem_zalloc(sizeof(*rec), destructor);

	if (!rec)
		return ENOMEM;

	rec->rate = rate;
	rec->start_us = now_us;
	rec->pieceh = pieceh;
	rec->arg = arg;
	rec->ring_pairs = rate / 1000 * RING_MS;
	rec->ring = mem_zalloc(rec->ring_pairs * GW_RECORDING_CHANNELS *
				       sizeof(*rec->ring),
			       NULL);
	if (!rec->ring) {
		mem_deref(rec);
		return ENOMEM;
	}

	*recp = rec;
	return 0;
}

uint32_t gw_recording_rate(const struct gw_recording *rec)
{
	return rec->rate;
}

static uint64_t place_of(const struct gw_recording *rec, int64_t now_us)
{
	return (uint64_t)(now_us - rec->start_us) * rec->rate / 1000000;
}

static void write(struct gw_recording *rec, unsigned channel,
		  const int16_t *samples, size_t count)
{
	struct channel *ch = &rec->channels[channel];

	for (size_t i = 0; i < count; i++, ch->pos++) {
		if (ch->pos < rec->flushed ||
		    ch->pos >= rec->flushed + rec->ring_pairs)
			continue;
		rec->ring[ch->pos % rec->ring_pairs * GW_RECORDING_CHANNELS +
			  channel] = samples[i];
	}
}

void gw_recording_put(struct gw_recording *rec, unsigned channel,
		      const int16_t *samples, size_t count, uint32_t rate,
		      int64_t now_us)
{
	struct channel *ch = &rec->channels[channel];
	const uint64_t now = place_of(rec, now_us);
	int16_t pcm[2 * GW_PIECE_MAX];

	if (!ch->any || ch->pos < rec->flushed ||
	    ch->pos > now + rec->rate / 1000 * AHEAD_MS) {
		ch->any = true;
		ch->pos = now;
	}

	count = gw_halfband_convert(&ch->halfband, pcm, rec->rate, samples,
				    count, rate);
	write(rec, channel, pcm, count);
}

void gw_recording_pause(struct gw_recording *rec, unsigned channel,
			uint32_t samples, uint32_t rate, bool fresh)
{
	struct channel *ch = &rec->channels[channel];

	if (fresh)
		ch->any = false;
	else
		ch->pos += (uint64_t)samples * rec->rate / rate;
}

/* The next pairs of the ring, which are silent after that. */
static int16_t *take(struct gw_recording *rec, size_t pairs)
{
	const size_t pair = GW_RECORDING_CHANNELS * sizeof(int16_t);
	int16_t *piece = mem_alloc(pairs * pair, NULL);
	size_t done = 0;

	while (done < pairs) {
		const size_t at = rec->flushed % rec->ring_pairs;
		size_t n = rec->ring_pairs - at;
		int16_t *from = rec->ring + at * GW_RECORDING_CHANNELS;

		if (n > pairs - done)
			n = pairs - done;
		if (piece)
			memcpy(piece + done * GW_RECORDING_CHANNELS, from,
			       n * pair);
		memset(from, 0, n * pair);
		rec->flushed += n;
		done += n;
	}

	return piece;
}

static void hand_over(struct gw_recording *rec, uint64_t upto, bool last)
{
	const uint64_t most = rec->rate / 1000 * PIECE_MS;
	bool said = false;

	while (rec->flushed < upto) {
		const uint64_t left = upto - rec->flushed;
		const size_t n = (size_t)(left < most ? left : most);
		int16_t *piece = take(rec, n);

		said = last && rec->flushed == upto;
		rec->pieceh(piece, n, said, rec->arg);
	}

	if (last && !said)
		rec->pieceh(NULL, 0, true, rec->arg);
}

void gw_recording_flush(struct gw_recording *rec, int64_t now_us)
{
	const uint64_t now = place_of(rec, now_us);
	const uint64_t late = rec->rate / 1000 * LATE_MS;

	if (now > late)
		hand_over(rec, now - late, false);
}

void gw_recording_end(struct gw_recording *rec, int64_t now_us)
{
	uint64_t upto = place_of(rec, now_us);

	for (unsigned i = 0; i < GW_RECORDING_CHANNELS; i++) {
		const struct channel *ch = &rec->channels[i];
		const uint64_t most = rec->flushed + rec->ring_pairs;

		if (ch->any && ch->pos > upto)
			upto = ch->pos < most ? ch->pos : most;
	}

	hand_over(rec, upto, true);
}
